/** One frame of the camera. */
import { button, make } from "./dom.ts";

/** Shows what the camera sees until the reader takes a frame or thinks better of it; undefined then. */
export async function takePhoto(home: HTMLElement): Promise<HTMLCanvasElement | undefined> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const video = make("video", { playsinline: true, muted: true, "aria-label": "What the camera sees" });
  try {
    video.srcObject = stream;
    await video.play();
    const isTaken = await new Promise<boolean>((resolve) => {
      const take = button("Take this", () => resolve(true), { class: "main" });
      home.replaceChildren(
        video,
        make(
          "div",
          { class: "bar" },
          take,
          button("Cancel", () => resolve(false)),
        ),
      );
      take.focus();
    });
    if (!isTaken) return undefined;
    const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    return canvas;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    home.replaceChildren();
  }
}
