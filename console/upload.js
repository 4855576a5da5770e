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

function refused({ status }) {
  if (status === 413) return new Problem({ status, detail: "the file is too large", hint: "a file has at most 5 GB: pack it, or cut it into several" });
  return new Problem({ status, detail: `the place for the file refused it with status ${status}`, hint: "choose the file again" });
}
