//! `POST /detect`: which faces are in a photograph? Nothing is embedded, and nothing is stored.

use input::seen::{Purpose, Reading};
use wire::Problem;
use worker::{Request, Response};

use super::Context;
use super::request::picture;
use super::response::timed;

pub(super) async fn post(request: Request, context: Context<'_>) -> Result<Response, Problem> {
    let reading = Reading { detect: true, purpose: Purpose::Faces(0), image: 0 };
    let pictured = picture(&request, reading).await?;
    context.record.stage("read");
    timed(&pictured.seen, 200, context.record)
}
