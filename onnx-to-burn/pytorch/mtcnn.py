"""Cuts faces out of photographs as facenet-pytorch recommends for its weights: MTCNN, margin 14.

Reads one file name a line and answers each by a line: "ok", with the crop in OUT/<line>.png, or
why there is none.
"""

import sys
from pathlib import Path

from facenet_pytorch import MTCNN
from PIL import Image, ImageOps


def main():
    out = Path(sys.argv[1])
    mtcnn = MTCNN(
        image_size=160,
        margin=14,
        selection_method="center_weighted_size",
        post_process=False,
    )
    for index, line in enumerate(sys.stdin):
        try:
            picture = ImageOps.exif_transpose(Image.open(line.rstrip("\n"))).convert("RGB")
            face = mtcnn(picture)
            if face is None:
                raise ValueError("no face was found")
            pixels = face.permute(1, 2, 0).clamp(0, 255).byte().numpy()
            Image.fromarray(pixels).save(out / f"{index}.png")
            print("ok", flush=True)
        except Exception as error:
            print(" ".join(str(error).split()) or type(error).__name__, flush=True)


main()
