// Runs the page's recipe and its judgement on faces that it is given.

import { readFile } from "node:fs/promises";

/**
 * Imports a script of the page. Node would take its file for one of another kind.
 * @param {string} name
 * @param {(text: string) => string} [change]
 */
async function page(name, change = (text) => text) {
  const text = change(await readFile(`site/js/finder/${name}`, "utf8"));
  const url = `data:text/javascript;base64,${Buffer.from(text).toString("base64")}`;
  return { url, module: await import(url) };
}

const crop = await page("crop.js");
const quality = await page("quality.js", (text) => text.replace('"./crop.js"', `"${crop.url}"`));
const { chooseFace, cropFrame } = crop.module;
const { advise, brightness } = quality.module;

let text = "";
for await (const part of process.stdin) text += part;
const { size, pictures, shades } = JSON.parse(text);

const context = {
  canvas: shades,
  getImageData: (left, top, width, height) => {
    const data = new Uint8ClampedArray(width * height * 4);
    for (let pixel = 0; pixel < width * height; pixel += 1) {
      const [x, y] = [left + (pixel % width), top + Math.floor(pixel / width)];
      const from = (y * shades.width + x) * 3;
      for (let colour = 0; colour < 3; colour += 1) {
        data[4 * pixel + colour] = shades.rgb[from + colour];
      }
    }
    return { data };
  },
};

const answer = pictures.map(({ faces, light }) => {
  const chosen = chooseFace(faces, size.width, size.height);
  const view = { size, light, isPicked: true, before: chosen };
  return {
    chosen: faces.indexOf(chosen),
    crops: faces.map(cropFrame),
    brightness: brightness(context, faces[0].box),
    advice: faces.map((face) => advise([face], face, { ...view, before: face })),
  };
});
process.stdout.write(JSON.stringify(answer));
