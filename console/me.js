// Who the caller is, and what of the page is for them. The server decides all the same.

import { call } from "./api.js";

const LOADERS = ["owner", "admin", "editor"]; // of roles that are granted on one dataset

/** What a caller may do. */
export class Caller {
  constructor({ actions, dataset, granted }) {
    Object.assign(this, { actions: actions ?? [], dataset, granted: granted ?? [] });
  }

  /** Whether the caller may do that to some dataset, or to none in particular. */
  may(action) { return this.actions.includes(action); }

  /** Whether the caller may do what concerns no single dataset. */
  mayAnywhere(action) { return !this.dataset && this.may(action); }

  /** Whether the caller may load rows into a dataset. */
  mayLoad(dataset) {
    if (this.dataset && this.dataset !== dataset) return false;
    return this.may("rows:load") || this.granted.some((g) => g.dataset === dataset && LOADERS.includes(g.role));
  }
}

export const whoAmI = async (signal) => new Caller(await call("GET", "v1/me", undefined, signal));
