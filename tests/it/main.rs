//! End to end: real workerd, real R2 and Durable Objects as Miniflare runs them, the real
//! weights, a real browser.

mod access;
mod budgets;
mod bulk;
mod certain;
mod cold;
mod copies;
mod costs;
mod damaged;
mod deploy;
mod documents;
mod drill;
mod engines;
mod enrol;
mod explained;
mod hostile;
mod http;
mod index;
mod killed;
mod lent;
mod load;
mod log;
mod model;
mod operator;
mod origins;
mod page;
mod people;
mod photographs;
mod rubbish;
mod storage;
mod strangers;
mod uploads;
mod versions;
