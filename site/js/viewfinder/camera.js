// @ts-check
/**
 * The camera: starts and stops it, takes a picture, and says in a sentence why it does not work.
 */

/**
 * Why the camera did not start, by the name of the browser's error.
 * @type {Record<string, string>}
 */
const REASONS = {
  NotAllowedError:
    "The camera is blocked. Allow it for this page in the browser’s settings, or choose a photo.",
  NotFoundError: "No camera was found. Connect one, or choose a photo.",
  NotReadableError: "Another program uses the camera. Close that, or choose a photo.",
  OverconstrainedError: "This camera is not there any more. Try again, or choose a photo.",
  SecurityError: "This browser does not let pages use the camera here. Choose a photo instead.",
};

/** One camera shown in one video element. */
export class Camera {
  /** @type {MediaStream | undefined} */
  #stream;
  /** @type {string | undefined} */
  #wanted;
  #video;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  /** Why this page cannot have a camera, or an empty text. */
  static get obstacle() {
    if (!isSecureContext) return "Browsers open the camera on https pages only.";
    return navigator.mediaDevices ? "" : "This browser lets no page use a camera.";
  }

  /** The size of the picture, and whether to mirror it. People expect that of their own face. */
  get shape() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    const facing = this.#track?.getSettings().facingMode;
    return { width, height, mirrored: facing !== "environment" };
  }

  /** Whether it is on. */
  get on() {
    return this.#stream !== undefined;
  }

  /** The id of the camera that is on. */
  get id() {
    return this.#track?.getSettings().deviceId;
  }

  /**
   * Chooses a camera for the next start.
   * @param {string} id
   */
  choose(id) {
    this.#wanted = id;
  }

  /** All cameras. Browsers tell their names once one has been started. */
  async all() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return devices.filter(({ kind }) => kind === "videoinput");
  }

  /**
   * Asks for the camera and shows it.
   * @param {AbortSignal} signal when it is aborted before the browser answers, the camera is
   *   switched off at once
   * @param {() => void} onLost called when the camera is disconnected
   */
  async start(signal, onLost) {
    if (Camera.obstacle) throw new Error(`${Camera.obstacle} Choose a photo instead.`);
    this.stop();
    const which = this.#wanted ? { deviceId: { exact: this.#wanted } } : { facingMode: "user" };
    const video = { ...which, width: { ideal: 1280 }, height: { ideal: 720 } };
    const stream = await navigator.mediaDevices
      .getUserMedia({ video, audio: false })
      .catch((error) => {
        this.#wanted = undefined;
        throw new Error(REASONS[error.name] ?? "The camera did not start. Choose a photo instead.");
      });
    if (signal.aborted) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    this.#stream = stream;
    this.#track?.addEventListener("ended", () => {
      if (this.#stream !== stream) return;
      this.stop();
      onLost();
    });
    this.#video.srcObject = stream;
    await this.#video.play();
  }

  /**
   * The present frame, not mirrored.
   * @param {number} [widthMax] the camera's full resolution without it
   * @returns {HTMLCanvasElement}
   */
  grab(widthMax = Infinity) {
    const { videoWidth, videoHeight } = this.#video;
    const scale = Math.min(1, widthMax / videoWidth);
    const picture = document.createElement("canvas");
    picture.width = Math.round(videoWidth * scale);
    picture.height = Math.round(videoHeight * scale);
    const context = picture.getContext("2d", { willReadFrequently: scale < 1 });
    if (!context || picture.width === 0) throw new Error("The camera shows no picture yet.");
    context.drawImage(this.#video, 0, 0, picture.width, picture.height);
    return picture;
  }

  /** Switches the camera off, so that its light goes out. */
  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = undefined;
    this.#video.srcObject = null;
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0];
  }
}
