"""Cuts faces out of photographs as facenet-pytorch recommends for its weights: MTCNN, margin 14.

    python mtcnn.py OUT_DIR

Reads the name of a photograph from each line of the standard input, and answers each by a line:
"ok" when the crop is in OUT_DIR/N.png, where N counts the lines from 0, or why there is no crop.
"""

import sys
from pathlib import Path

from facenet_pytorch import MTCNN
from PIL import Image, ImageOps


def main() -> None:
    out_dir = Path(sys.argv[1])
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
            Image.fromarray(pixels).save(out_dir / f"{index}.png")
            print("ok", flush=True)
        # One unusable photograph must not end the run, whatever its fault.
        except Exception as error:
            print(" ".join(str(error).split()) or type(error).__name__, flush=True)


if __name__ == "__main__":
    main()
