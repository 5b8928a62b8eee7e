//! Sixty damaged pictures, derived from the golden crops: each is answered, none by a fault of
//! ours, and the next good one is computed as ever.

use std::io::Cursor;

use anyhow::{Context as _, ensure};
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _, ImageFormat, Rgba, Rgba32FImage};
use reqwest::{Method, StatusCode};
use tests::api::{Api, problem};
use tests::golden;

use crate::lent::Lent;

/// What a damaged picture may be answered by: a few bits more or less may also be a picture.
const ANSWERS: [u16; 5] = [200, 400, 413, 415, 422];

#[tokio::test]
async fn damaged_pictures_break_nothing() -> anyhow::Result<()> {
    let server = Lent::take().await?;
    let api = Api::of(&server);
    let good = golden("obama-1.png");
    let expected = api.embed(&good).await?;
    let pictures = damaged()?;
    ensure!(pictures.len() == 60, "{} pictures", pictures.len());
    for (what, bytes, wanted) in pictures {
        let response = api.request(Method::POST, "/embed").body(bytes).send().await;
        let response = response.with_context(|| what.clone())?;
        let status = response.status().as_u16();
        ensure!(ANSWERS.contains(&status), "{what}: {status}");
        ensure!(wanted.is_none_or(|wanted| wanted == status), "{what}: {status}");
        if status != 200 {
            problem(response, StatusCode::from_u16(status)?).await.context(what.clone())?;
        }
        ensure!(api.embed(&good).await? == expected, "another embedding after {what}");
    }
    server.give_back().await
}

/// What is damaged how, the bytes, and the status where there can be one only.
type Damaged = (String, Vec<u8>, Option<u16>);

fn damaged() -> anyhow::Result<Vec<Damaged>> {
    let png = std::fs::read(golden("collins-1.png"))?;
    let picture = image::load_from_memory(&png)?;
    let formats = [
        ("PNG", encode(&picture, ImageFormat::Png)?),
        ("JPEG", encode(&picture, ImageFormat::Jpeg)?),
        ("WebP", encode(&picture, ImageFormat::WebP)?),
    ];
    let mut all = Vec::new();
    for (name, bytes) in &formats {
        for part in 1..=7 {
            let length = bytes.len() * part / 8;
            all.push((format!("a {name} of {length} bytes"), bytes[..length].to_vec(), None));
        }
        for part in 0..8 {
            let mut flipped = bytes.clone();
            // Mostly in the head, where bytes mean most.
            let at = [9, 17, 25, 40, 80, 300, bytes.len() / 2, bytes.len() - 9][part];
            flipped[at] ^= 1 << part;
            all.push((format!("a {name} with a bit flipped at {at}"), flipped, None));
        }
    }
    let [(_, png), (_, jpeg), (_, webp)] = &formats;
    let head = |head: &[u8], of: &[u8]| [head, &of[head.len()..]].concat();
    all.extend([
        ("a JPEG that begins as PNG".into(), head(b"\x89PNG\r\n\x1a\n", jpeg), Some(422)),
        ("a PNG that begins as JPEG".into(), head(b"\xff\xd8\xff\xe0", png), Some(422)),
        ("a PNG that begins as WebP".into(), head(b"RIFF\0\0\0\0WEBP", png), Some(422)),
        ("a WebP that begins as GIF".into(), head(b"GIF89a", webp), Some(415)),
        ("a PNG of 65500x65500".into(), png_of(png, 65500, 65500), Some(413)),
        ("a PNG of 0x160".into(), png_of(png, 0, 160), Some(422)),
        ("a PNG of 160x4000".into(), png_of(png, 160, 4000), Some(422)),
        ("a PNG of 4097x32".into(), png_of(png, 4097, 32), Some(413)),
        ("a JPEG of 65535x65535".into(), jpeg_of(jpeg, 65535, 65535), Some(413)),
        ("a JPEG of 160x0".into(), jpeg_of(jpeg, 160, 0), Some(422)),
        ("a JPEG of 2000x2000".into(), jpeg_of(jpeg, 2000, 2000), None),
        ("a WebP of a canvas alone".into(), webp_canvas(16384, 16384), Some(422)),
        ("a PNG of 16-bit zeros".into(), deep_png()?, Some(413)),
        ("a PNG whose profile expands".into(), profile_png()?, None),
        ("a JPEG twice".into(), [&jpeg[..], jpeg].concat(), None),
    ]);
    Ok(all)
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format)?;
    Ok(bytes)
}

/// The same PNG with other dimensions in its header, whose checksum is right.
fn png_of(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png.to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32fast::hash(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// The same JPEG with other dimensions in the header of its frame.
fn jpeg_of(jpeg: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg.to_vec();
    let frame = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap_or_default();
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// An extended WebP of which there is only the canvas.
fn webp_canvas(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
    bytes.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
    bytes.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
    bytes
}

/// Few enough pixels, small as a file, and 48 MB as pixels.
fn deep_png() -> anyhow::Result<Vec<u8>> {
    let picture = Rgba32FImage::from_pixel(2400, 2400, Rgba([0.0; 4]));
    encode(&DynamicImage::from(picture).into_rgba16().into(), ImageFormat::Png)
}

/// A small picture with a colour profile that expands to 64 MB.
fn profile_png() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(vec![0; 64 << 20])?;
    encoder.write_image(&vec![0; 160 * 160 * 3], 160, 160, ExtendedColorType::Rgb8)?;
    Ok(bytes)
}
