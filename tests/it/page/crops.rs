//! What the page cuts out of a picture and what `face-finder` cuts out of it are the same pixels,
//! and both find them as sharp. In a large photograph both look at a copy, and see the same face.

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use face_finder::{Picture, Rectangle, crop, quality};
use image::DynamicImage;
use image::imageops::FilterType;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tests::api::{Api, json as answer_of};
use tests::camera::Scene;
use tests::pictures::{Kind, jpeg};

use super::Page;

/// The picture: odd sides, and pixels that differ from their neighbours.
const WIDTH: usize = 901;
const HEIGHT: usize = 640;

/// Larger and smaller than a crop in every proportion, whole pixels, and over each edge.
const RECTANGLES: [[f64; 4]; 12] = [
    [100.0, 60.0, 160.0, 160.0],
    [310.5, 200.25, 90.0, 121.5],
    [310.5, 200.25, 130.0, 175.0],
    [20.3, 11.9, 212.7, 287.1],
    [20.3, 11.9, 330.0, 445.5],
    [5.0, 3.0, 470.4, 635.0],
    [1.5, 0.5, 890.0, 630.0],
    [-40.2, 100.7, 201.0, 271.0],
    [760.9, 80.1, 300.0, 405.0],
    [300.3, -90.5, 260.0, 350.0],
    [300.3, 500.5, 110.0, 350.0],
    [-300.0, -300.0, 2400.0, 2400.0],
];

/// Draws the picture, and cuts it and measures the crop's sharpness by the page's own functions.
/// Answers RGBA in base64, and the sharpness.
const CUT: &str = "
    const [width, height, rectangles, done] = arguments;
    const picture = Object.assign(document.createElement('canvas'), { width, height });
    const context = picture.getContext('2d');
    const image = context.createImageData(width, height);
    for (let pixel = 0; pixel < width * height; pixel += 1) {
        const x = pixel % width;
        const y = (pixel - x) / width;
        const colours = [(x * 31 + y * 17) % 256, (x * y) % 251, (3 * x + y * y) % 256, 255];
        image.data.set(colours, 4 * pixel);
    }
    context.putImageData(image, 0, 0);
    const load = (name) => import(new URL(name, document.querySelector('script').src));
    const modules = Promise.all([load('finder/crop.js'), load('finder/find-face.js')]);
    modules.then(([{ drawCrop }, { sharpness }]) =>
        done(rectangles.map(([x, y, width, height]) => {
            const cut = () => {
                const crop = document.createElement('canvas');
                drawCrop(crop, picture, { x, y, width, height });
                return crop;
            };
            const crop = cut();
            const { data } = crop.getContext('2d').getImageData(0, 0, crop.width, crop.height);
            const bytes = Array.from(data, (byte) => String.fromCharCode(byte)).join('');
            // Chromium warns of a canvas that is read twice.
            return [btoa(bytes), sharpness(cut())];
        })));";

#[tokio::test]
async fn crops_have_the_finder_s_pixels() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let arguments = vec![json!(WIDTH), json!(HEIGHT), json!(RECTANGLES)];
    let answer = page.browser.execute_async_with(CUT, arguments).await?;
    let crops: Vec<(String, f64)> = serde_json::from_value(answer)?;
    ensure!(crops.len() == RECTANGLES.len());

    let pixel = |index: usize| {
        let (x, y) = (index % WIDTH, index / WIDTH);
        [(x * 31 + y * 17) % 256, (x * y) % 251, (3 * x + y * y) % 256].map(|value| value as u8)
    };
    let rgb: Vec<u8> = (0..WIDTH * HEIGHT).flat_map(pixel).collect();
    let picture = Picture::from_rgb(WIDTH, HEIGHT, &rgb).context("no picture")?;
    for ([x, y, width, height], (rgba, sharpness)) in RECTANGLES.into_iter().zip(crops) {
        let rgba = STANDARD.decode(rgba)?;
        let own = crop::cut(&picture, Rectangle { x, y, width, height });
        let ours = quality::sharpness(&own);
        ensure!((ours - sharpness).abs() < 0.01 * ours, "{sharpness}, and not {ours}");
        let (own, _) = own.rgb().as_chunks::<3>();
        let (theirs, _) = rgba.as_chunks::<4>();
        ensure!(own.len() == theirs.len());
        let differ = own.iter().zip(theirs).flat_map(|(own, [red, green, blue, _])| {
            own.iter().zip([red, green, blue]).map(|(own, page)| own.abs_diff(*page))
        });
        let most = differ.max();
        ensure!(most <= Some(1), "{x}, {y}, {width}, {height} differ by {most:?}");
    }
    page.close().await
}

/// Longer sides of photographs whose copies are half, and a quarter, as high, rounded up.
const LONGER_SIDES: [u32; 2] = [2_333, 4_666];

/// The least cosine of the two embeddings. If one copy is a pixel smaller, it is 0.988.
const COSINE_MIN: f64 = 0.995;

/// Finds the face and cuts it out by the page's own functions. Answers the crop as a data URL.
const FIND: &str = "
    const [file, done] = arguments;
    const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
    const load = (name) => import(new URL(name, document.querySelector('script').src));
    const modules = [load('finder/find-face.js'), load('finder/crop.js')];
    Promise.all([createImageBitmap(new Blob([bytes])), ...modules])
        .then(async ([photograph, { findFace }, { drawCrop }]) => {
            const { width, height } = photograph;
            const picture = Object.assign(document.createElement('canvas'), { width, height });
            picture.getContext('2d').drawImage(photograph, 0, 0);
            const { frame } = await findFace(picture);
            const crop = document.createElement('canvas');
            drawCrop(crop, picture, frame);
            return crop.toDataURL();
        })
        .then(done, (error) => done(String(error)));";

#[tokio::test]
async fn both_see_the_same_face_in_a_large_photograph() -> anyhow::Result<()> {
    let page = Page::open(Scene::Nobody).await?;
    let api = Api::of(&page.server);
    let embed = async |path: &str, file: Vec<u8>| {
        answer_of(api.request(Method::POST, path).body(file).send().await?, StatusCode::OK).await
    };
    let photograph = image::open(tests::photograph("obama-1.jpg"))?;
    for longer in LONGER_SIDES {
        let file = enlarged(&photograph, longer)?;
        let crop = page.browser.execute_async_with(FIND, vec![json!(STANDARD.encode(&file))]);
        let crop = crop.await?;
        let crop = crop.as_str().context("no text")?;
        let crop = crop.strip_prefix("data:image/png;base64,").context(crop.to_owned())?;
        let here: Vec<f64> =
            serde_json::from_value(embed("/embed", STANDARD.decode(crop)?).await?)?;
        let there = embed("/embed?detect=true", file).await?;
        let there: Vec<f64> = serde_json::from_value(there["faces"][0]["embedding"].clone())?;
        // Both have the length 1.
        let cosine: f64 = here.iter().zip(&there).map(|(a, b)| a * b).sum();
        println!("{longer} pixels: cosine {cosine:.5}");
        ensure!(here.len() == there.len() && cosine >= COSINE_MIN, "{longer} pixels: {cosine}");
    }
    page.close().await
}

/// A photograph as JPEG, so large.
fn enlarged(photograph: &DynamicImage, longer: u32) -> anyhow::Result<Vec<u8>> {
    let picture = photograph.resize(longer, longer, FilterType::Triangle);
    jpeg(&picture.into_rgb8(), Kind::Plain)
}
