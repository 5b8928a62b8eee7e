//! `POST /match`: finds the nearest people.

use futures_util::future::join;
use wire::faces::{Neighbours, Search};
use wire::limits::TOP_K_MAX;
use wire::{Kind, Problem, http};
use worker::{Request, Response};

use super::Stores;
use super::request::{check_embedding, check_namespace, message};
use super::response::json;
use crate::clock::SystemClock;
use crate::error::Error;
use crate::{search, size};

pub(super) async fn post(
    request: &mut Request,
    (vectors, pictures): &Stores,
) -> Result<Response, Error> {
    let search = parse(&http::read(request).await?)?;
    let found = search::search(vectors, pictures, &SystemClock, &search);
    let (found, gallery_size_at_most) = join(found, size::at_most(vectors)).await;
    json(&Neighbours { gallery_size_at_most, ..found? }, 200)
}

fn parse(body: &[u8]) -> Result<Search, Problem> {
    let search: Search = message(body)?;
    check_namespace(&search.namespace)?;
    check_embedding(&search.embedding)?;
    if !(1..=TOP_K_MAX).contains(&search.top_k) {
        return Err(Problem::new(Kind::Unusable, format!("top_k must be 1 to {TOP_K_MAX}.")));
    }
    if !(0.0..=2.0).contains(&search.distance_max) {
        return Err(Problem::new(Kind::Unusable, "distance_max must be 0 to 2."));
    }
    Ok(search)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::stores::fake::embedding;

    #[track_caller]
    fn refused(request: &Value, kind: Kind) {
        assert_eq!(parse(request.to_string().as_bytes()).unwrap_err().kind, kind);
    }

    #[test]
    fn unusable_requests_are_refused() {
        let request = |top_k: i32| {
            json!({"namespace": "n", "embedding": embedding(0.0), "top_k": top_k,
                "distance_max": 1.0})
        };
        assert!(parse(request(20).to_string().as_bytes()).is_ok());
        refused(&request(0), Kind::Unusable);
        refused(&request(21), Kind::Unusable);
        refused(&request(-1), Kind::Malformed);
        refused(&json!({"namespace": "n", "top_k": 1, "distance_max": 1}), Kind::Malformed);
        for distance_max in [-0.1, 2.1] {
            let mut request = request(1);
            request["distance_max"] = json!(distance_max);
            refused(&request, Kind::Unusable);
        }
        refused(&json!([]), Kind::Malformed);
    }
}
