//! Whatever is sent, the answer is a problem document that says what to do, and the next good
//! request works.

use anyhow::Context as _;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, StatusCode};
use tests::api::{Api, json, part, problem};
use tests::golden;

use crate::lent::Lent;

#[tokio::test]
async fn rubbish_is_a_problem_and_nothing_breaks() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    bodies(&api).await?;
    forms(&api).await?;
    queries(&Api::with_key(&server, &server.admin_key()?)).await?;
    paths_and_methods(&api).await?;
    api.enrol("Žofie Nováková", &golden("obama-1.png")).await?;
    let found = api.find(&golden("obama-2.png")).await?;
    anyhow::ensure!(found["matches"][0]["name"] == "Žofie Nováková", "{found}");
    server.give_back().await
}

async fn bodies(api: &Api<'_>) -> anyhow::Result<()> {
    let png = std::fs::read(golden("obama-1.png"))?;
    let truncated = png[..png.len() / 2].to_vec();
    let mut damaged = png.clone();
    damaged[png.len() / 2..][..300].fill(0x55);
    let bodies: [(&str, Vec<u8>, u16); 7] = [
        ("empty", Vec::new(), 400),
        ("text", b"hello, is this a face?".to_vec(), 415),
        ("a GIF", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;".to_vec(), 415),
        ("a truncated PNG", truncated, 422),
        ("a damaged PNG", damaged, 422),
        ("20 MB of zeros", vec![0; 20 << 20], 413),
        ("a PNG of 1x1", tiny_png(), 422),
    ];
    for (what, body, status) in bodies {
        for path in ["/embed", "/match"] {
            let response = api.request(Method::POST, path).body(body.clone()).send().await;
            let response = response.with_context(|| format!("{path}: {what}"))?;
            problem(response, StatusCode::from_u16(status)?)
                .await
                .with_context(|| format!("{path}: {what}"))?;
        }
        // Nothing of it sticks.
        api.embed(&golden("obama-1.png")).await.with_context(|| format!("after {what}"))?;
    }
    Ok(())
}

async fn forms(api: &Api<'_>) -> anyhow::Result<()> {
    let image = || part(&golden("obama-1.png"));
    let consent = |form: Form| form.text("consent", "true");
    let named = |name: &str| Form::new().text("name", name.to_owned());
    let forms = [
        ("no name", consent(Form::new().part("image", image()?)), 422),
        ("an empty name", consent(named("  ").part("image", image()?)), 422),
        ("a long name", consent(named(&"x".repeat(81)).part("image", image()?)), 422),
        ("a name with a line break", consent(named("a\nb").part("image", image()?)), 422),
        ("no picture", consent(named("A")), 422),
        ("an empty picture", consent(named("A").part("image", Part::bytes(vec![]))), 400),
        ("text as picture", consent(named("A").text("image", "hello")), 415),
        ("no consent", named("A").part("image", image()?), 422),
        ("refused consent", named("A").text("consent", "false").part("image", image()?), 422),
        // What is stored is computed from the picture that is stored with it.
        ("a vector", consent(named("A").part("image", image()?).text("embedding", "[1]")), 400),
        ("a name twice", consent(named("A").text("name", "B").part("image", image()?)), 400),
    ];
    for (what, form, status) in forms {
        let response = api.request(Method::POST, "/add").multipart(form).send().await?;
        problem(response, StatusCode::from_u16(status)?).await.context(what)?;
    }
    let response = api.post_file("/add", &golden("obama-1.png")).await?;
    problem(response, StatusCode::UNSUPPORTED_MEDIA_TYPE).await.context("no form")?;
    let broken = api
        .request(Method::POST, "/add")
        .header("content-type", "multipart/form-data; boundary=x")
        .body("--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nbreaks off");
    problem(broken.send().await?, StatusCode::BAD_REQUEST).await.context("a broken form")?;
    let found = api.find(&golden("obama-1.png")).await?;
    anyhow::ensure!(found["verdict"] == "none", "something was stored: {found}");
    Ok(())
}

async fn queries(api: &Api<'_>) -> anyhow::Result<()> {
    let own = |text: &str| {
        api.request(Method::POST, "/match")
            .header("content-type", "application/json")
            .body(text.to_owned())
            .send()
    };
    let vector = |number: &str| format!("{{\"embedding\":[{}]}}", vec![number; 512].join(","));
    for (text, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        ("{\"embedding\":\"x\"}", 400),
        ("{\"embedding\":[1,2,3]}", 422),
        (&vector("0"), 422),
        (&vector("NaN"), 400),
        (&vector("1e999"), 400),
        (&format!("{}1{}", "[".repeat(5000), "]".repeat(5000)), 400),
    ] {
        let shown = &text[..text.len().min(40)];
        problem(own(text).await?, StatusCode::from_u16(status)?).await.context(shown.to_owned())?;
    }
    for query in ["top_k=0", "top_k=21", "top_k=x", "threshold=-1", "threshold=NaN"] {
        let response = api.post_file(&format!("/match?{query}"), &golden("obama-1.png")).await?;
        problem(response, StatusCode::BAD_REQUEST).await.context(query)?;
    }
    Ok(())
}

async fn paths_and_methods(api: &Api<'_>) -> anyhow::Result<()> {
    for path in ["/nothing", "/embed/", "/face", "/faces/../health2", "/faces/%00"] {
        let response = api.request(Method::GET, path).send().await?;
        problem(response, StatusCode::NOT_FOUND).await.context(path)?;
    }
    let unknown = format!("/faces/{}", "0".repeat(32));
    problem(api.request(Method::GET, &unknown).send().await?, StatusCode::NOT_FOUND).await?;
    let delete = api.request(Method::DELETE, &unknown).header("authorization", "Bearer x");
    problem(delete.send().await?, StatusCode::NOT_FOUND).await.context("an unknown face")?;
    for (method, path, allow) in [
        (Method::GET, "/embed", "POST"),
        (Method::PUT, "/add", "POST"),
        (Method::DELETE, "/match", "POST"),
        (Method::POST, "/health", "GET, HEAD"),
        (Method::PUT, "/faces", "GET, HEAD, DELETE"),
        (Method::POST, unknown.as_str(), "GET, HEAD, DELETE"),
    ] {
        let response = api.request(method, path).send().await?;
        anyhow::ensure!(response.headers()["allow"] == allow, "{path}");
        problem(response, StatusCode::METHOD_NOT_ALLOWED).await.context(path.to_owned())?;
    }
    let openapi = api.request(Method::GET, "/openapi.json").send().await?;
    let openapi = json(openapi, StatusCode::OK).await?;
    anyhow::ensure!(openapi["openapi"].as_str().is_some_and(|v| v.starts_with("3.1")));
    Ok(())
}

/// A valid PNG of one pixel.
fn tiny_png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0".to_vec();
    bytes.extend_from_slice(b"\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\x03\x01\x01\0");
    bytes.extend_from_slice(b"\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82");
    bytes
}
