// @ts-check
/**
 * The camera: starts and stops it, takes a picture, and says in a sentence why it does not work.
 */

/** @type {Record<string, string>} */
const REASONS = {
  NotAllowedError:
    "The camera is blocked. Allow it for this page in the browser's settings, or choose a photo.",
  NotFoundError: "No camera was found. Connect one, or choose a photo.",
  NotReadableError: "The camera is in use by another program. Close that, or choose a photo.",
  OverconstrainedError: "The camera has no usable picture size. Choose a photo instead.",
  SecurityError: "This browser does not let pages use the camera here. Choose a photo instead.",
};

/** One camera shown in one video element. */
export class Camera {
  /** @type {MediaStream | undefined} */
  #stream;
  #video;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  /** The picture's size, and whether to show it as in a mirror, which people expect. */
  get shape() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const facing = this.#stream?.getVideoTracks()[0]?.getSettings().facingMode;
    return { width, height, mirrored: facing !== "environment" };
  }

  /** Whether it is on. */
  get on() {
    return this.#stream !== undefined;
  }

  /**
   * Asks for the camera and shows it.
   * @param {AbortSignal} signal when aborted, a camera granted later is switched off at once
   * @param {() => void} onLost called when the camera goes away by itself
   */
  async start(signal, onLost) {
    if (!navigator.mediaDevices) {
      throw new Error("Browsers open the camera only on https pages. Choose a photo instead.");
    }
    this.stop();
    const video = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };
    const stream = await navigator.mediaDevices
      .getUserMedia({ video, audio: false })
      .catch((error) => {
        throw new Error(REASONS[error.name] ?? "The camera did not start. Choose a photo instead.");
      });
    if (signal.aborted) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    this.#stream = stream;
    stream.getVideoTracks()[0]?.addEventListener("ended", () => {
      if (this.#stream !== stream) return;
      this.stop();
      onLost();
    });
    this.#video.srcObject = stream;
    await this.#video.play();
  }

  /**
   * The present frame at the camera's full resolution, not mirrored.
   * @returns {HTMLCanvasElement}
   */
  grab() {
    const picture = document.createElement("canvas");
    picture.width = this.#video.videoWidth;
    picture.height = this.#video.videoHeight;
    const context = picture.getContext("2d");
    if (!context || picture.width === 0) throw new Error("The camera shows no picture yet.");
    context.drawImage(this.#video, 0, 0);
    return picture;
  }

  /** Switches the camera off, so that its light goes out. */
  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
  }
}
