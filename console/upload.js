// A file on its way to where the server wants it.

import { Problem } from "./api.js";
import { near } from "./session.js";

/** Puts a file to a presigned address; tell is called with the bytes that are sent. Ends with signal. */
export function upload(address, file, tell, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch tells nothing of how far it is
    request.open("PUT", near(address));
    request.upload.addEventListener("progress", (e) => tell(e.loaded));
    request.addEventListener("load", () => (request.status < 300 ? resolve() : reject(refused(request))));
    request.addEventListener("error", () => reject(new Problem({ code: "unreachable", detail: "the file could not be sent", hint: "the server cannot be reached, or the file was changed meanwhile: choose it again" })));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

const FRESH = 20 * 60_000; // ms for which addresses are used, which are good for an hour
const TRIES = 5;

/** Puts a large file part by part; again asks for those that are left. What breaks off is sent again, part by part. */
export async function uploadParts(left, again, file, tell, signal) {
  let asked = Date.now(), tries = 0;
  while (left.length > 0) {
    const [{ offset, length, upload_url: address }, ...rest] = left;
    const before = file.size - left.reduce((n, part) => n + part.length, 0);
    try {
      await upload(address, file.slice(offset, offset + length), (sent) => tell(before + sent), signal);
      [left, tries] = [rest, 0];
    } catch (problem) {
      if (problem.name === "AbortError" || ++tries >= TRIES) throw problem;
      asked = 0; // an address may have expired
    }
    if (Date.now() - asked > FRESH) [left, asked] = [(await again()).uploads, Date.now()];
  }
}

function refused({ status }) {
  if (status === 413) return new Problem({ status, detail: "the file is too large", hint: "pack it, or cut it into several" });
  return new Problem({ status, detail: `the place for the file refused it with status ${status}`, hint: "choose the file again" });
}
