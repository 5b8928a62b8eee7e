#![doc = include_str!("../README.md")]

mod account;
mod answer;
mod assets;
mod call;
mod r2;
mod route;
mod scripts;
mod server;
mod upload;
mod vectorize;

pub use account::{
    Account, Bucket, Deployment, Index, Migrated, Permission, Subdomain, Version, Worker,
};
pub use server::{Cloudflare, Cut, Fault, Seen};
