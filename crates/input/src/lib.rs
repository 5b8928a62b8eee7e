#![doc = include_str!("../README.md")]

pub mod container;

pub mod form;

pub mod picture;

pub mod query;

pub mod vector;
