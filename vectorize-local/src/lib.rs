//! A Worker.
