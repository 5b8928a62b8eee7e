//! What the stand-in refuses, and how it breaks connections. What it accepts, the tests of
//! deployments show through the real wrangler.

#![expect(clippy::unwrap_used, reason = "tests end at the first surprise")]

use cloudflare_local::{Account, Bucket, Cloudflare, Cut, Fault, Permission};
use serde_json::{Value, json};

/// The status and the body of an answer; none when the connection broke.
type Answer = Option<(u16, Value)>;

struct Client {
    cloudflare: Cloudflare,
    token: String,
    account: String,
}

impl Client {
    fn new(change: impl FnOnce(&mut Account)) -> Self {
        let mut account = Account::fresh();
        change(&mut account);
        let (token, id) = (account.token.clone(), account.id.clone());
        Self { cloudflare: Cloudflare::start(account).unwrap(), token, account: id }
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/accounts/{}{path}", self.cloudflare.url(), self.account))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", kind)
            .body(body)
            .unwrap();
        let mut answer = agent.run(request).ok()?;
        let text = answer.body_mut().read_to_string().ok()?;
        Some((answer.status().as_u16(), serde_json::from_str(&text).unwrap_or_default()))
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "application/json", b"")
    }

    fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, "application/json", body.to_string().as_bytes())
    }

    /// Uploads a Worker with this metadata and a module.
    fn upload(&self, name: &str, metadata: &Value) -> Answer {
        let part = |name: &str, kind: &str, text: &str| {
            format!(
                "--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
                 Content-Type: {kind}\r\n\r\n{text}\r\n"
            )
        };
        let body = [
            part("metadata", "application/json", &metadata.to_string()),
            part("index.js", "application/javascript+module", "export default {}"),
            "--x--\r\n".into(),
        ]
        .concat();
        let path = format!("/workers/scripts/{name}");
        self.send("PUT", &path, "multipart/form-data; boundary=x", body.as_bytes())
    }
}

/// The number of a refusal.
#[track_caller]
fn code(answer: Answer) -> u64 {
    let (status, body) = answer.unwrap();
    assert!(status >= 400, "{status}: {body}");
    body["errors"][0]["code"].as_u64().unwrap()
}

#[test]
fn a_broken_connection_loses_the_request_or_the_answer_alone() {
    let client = Client::new(|_| ());
    for (number, cut) in [Cut::Before, Cut::After].into_iter().enumerate() {
        let name = format!("bucket-{number}");
        let at = 0;
        let _ = client.cloudflare.take_seen();
        client.cloudflare.set_fault(Some(Fault { at, cut, lasting: false }));
        assert_eq!(client.json("POST", "/r2/buckets", &json!({ "name": name })), None);
        let is_there = client.cloudflare.account().buckets.contains_key(&name);
        assert_eq!(is_there, cut == Cut::After);
        assert!(client.get("/r2/buckets").is_some(), "later ones break too");
        let seen = client.cloudflare.take_seen();
        assert_eq!(seen.iter().map(|seen| seen.status).collect::<Vec<_>>(), [None, Some(200)]);
    }
    client.cloudflare.set_fault(Some(Fault { at: 0, cut: Cut::After, lasting: true }));
    assert_eq!(client.get("/r2/buckets"), None);
    assert_eq!(client.json("POST", "/r2/buckets", &json!({ "name": "bucket-2" })), None);
    assert!(!client.cloudflare.account().buckets.contains_key("bucket-2"));
}

#[test]
fn lists_have_pages_and_full_buckets_stay() {
    let client = Client::new(|account| {
        let objects = (0..25).map(|number| (format!("{number:02}"), Vec::new())).collect();
        account.buckets.insert("full".into(), Bucket { location: None, objects });
        let names = (0..25).map(|number| format!("bucket-{number:02}"));
        account.buckets.extend(names.map(|name| (name, Bucket::default())));
    });
    let (_, page) = client.get("/r2/buckets").unwrap();
    assert_eq!(page["result"]["buckets"].as_array().unwrap().len(), 20);
    let (_, page) = client.get("/r2/buckets/full/objects?per_page=20").unwrap();
    assert_eq!(page["result_info"]["cursor"], "19");
    let (_, page) = client.get("/r2/buckets/full/objects?per_page=20&cursor=19").unwrap();
    assert_eq!(page["result"].as_array().unwrap().len(), 5);
    assert_eq!(page["result_info"]["is_truncated"], false);
    assert_eq!(code(client.json("DELETE", "/r2/buckets/full", &Value::Null)), 10008);
    let keys: Vec<String> = (0..1_001).map(|number| number.to_string()).collect();
    assert_eq!(code(client.json("DELETE", "/r2/buckets/full/objects", &json!(keys))), 10027);
    assert_eq!(code(client.json("POST", "/r2/buckets", &json!({ "name": "full" }))), 10004);
    assert_eq!(code(client.json("POST", "/r2/buckets", &json!({ "name": "Full" }))), 10005);
}

#[test]
fn who_may_not_is_refused() {
    let mut client = Client::new(|account| {
        account.forbidden.insert(Permission::Vectorize);
    });
    assert_eq!(code(client.get("/vectorize/v2/indexes")), 10000);
    assert_eq!(code(client.get("/d1/database")), 7003);
    client.token = "another".into();
    assert_eq!(code(client.get("/r2/buckets")), 9109);
}

#[test]
fn a_worker_is_bound_to_what_there_is() {
    let client = Client::new(|account| account.paid = false);
    let metadata = |bindings: Value, more: Value| {
        let mut metadata = json!({ "main_module": "index.js", "bindings": bindings });
        metadata.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        metadata
    };
    let refused = |bindings, more| code(client.upload("w", &metadata(bindings, more)));
    let bucket = json!([{ "name": "B", "type": "r2_bucket", "bucket_name": "none" }]);
    assert_eq!(refused(bucket, json!({})), 10085);
    let index = json!([{ "name": "V", "type": "vectorize", "index_name": "none" }]);
    assert_eq!(refused(index, json!({})), 10159);
    let service = json!([{ "name": "S", "type": "service", "service": "none" }]);
    assert_eq!(refused(service, json!({})), 10143);
    let class = json!([{ "name": "D", "type": "durable_object_namespace", "class_name": "C" }]);
    assert_eq!(refused(class.clone(), json!({})), 10061);
    let limit = json!([{ "name": "R", "type": "ratelimit", "namespace_id": "x",
        "simple": { "limit": 1, "period": 60 } }]);
    assert_eq!(refused(limit, json!({})), 10021);
    assert_eq!(refused(json!([]), json!({ "main_module": "main.js" })), 10021);
    assert_eq!(refused(json!([]), json!({ "limits": { "cpu_ms": 1 } })), 100_328);
    assert_eq!(refused(json!([]), json!({ "assets": { "jwt": "none" } })), 10100);
    assert!(client.cloudflare.account().workers.is_empty());

    let steps = json!([{ "new_sqlite_classes": ["C"] }]);
    let migrations = json!({ "migrations": { "new_tag": "v1", "steps": steps } });
    let (status, _) = client.upload("w", &metadata(class.clone(), migrations.clone())).unwrap();
    assert_eq!(status, 200);
    assert_eq!(refused(class, migrations), 10079);
    let secret = json!({ "name": "KEY", "type": "secret_text", "text": "hidden" });
    let (status, _) = client.json("PUT", "/workers/scripts/w/secrets", &secret).unwrap();
    assert_eq!(status, 200);
    let (status, _) = client.upload("w", &metadata(json!([]), json!({}))).unwrap();
    assert_eq!(status, 200);
    let (_, list) = client.get("/workers/scripts/w/secrets").unwrap();
    assert_eq!(list["result"], json!([{ "name": "KEY", "type": "secret_text" }]));

    let service = json!([{ "name": "S", "type": "service", "service": "w" }]);
    assert_eq!(client.upload("other", &metadata(service, json!({}))).unwrap().0, 200);
    let delete = |path: &str| client.json("DELETE", path, &Value::Null);
    assert_eq!(code(delete("/workers/services/w?force=false")), 10064);
    assert_eq!(delete("/workers/services/other?force=false").unwrap().0, 200);
    assert_eq!(delete("/workers/services/w?force=false").unwrap().0, 200);
    assert_eq!(code(delete("/workers/services/w?force=false")), 10090);
}
