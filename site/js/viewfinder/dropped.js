// @ts-check
/** Photos that people drop anywhere on the page, or paste. */

/** @param {(file: File | undefined) => void} open called with each */
export function onPhoto(open) {
  let depth = 0;
  const dragging = (/** @type {number} */ by) => {
    depth = by === 0 ? 0 : Math.max(0, depth + by);
    document.body.toggleAttribute("data-dragging", depth > 0);
  };
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    addEventListener(type, (event) => {
      if (!(event instanceof DragEvent)) return;
      const { dataTransfer } = event;
      if (!dataTransfer?.types.includes("Files")) return;
      // Otherwise the browser would show the file instead of the page.
      event.preventDefault();
      if (type === "dragenter") dragging(1);
      if (type === "dragleave") dragging(-1);
      if (type !== "drop") return;
      dragging(0);
      open(dataTransfer.files[0]);
    });
  }
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) open(file);
  });
}
