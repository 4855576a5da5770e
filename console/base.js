/** The address that the API's paths are relative to: that of <meta name="tarn-api">, by default this page's origin. */
export const base = new URL(document.querySelector('meta[name="tarn-api"]').content, location.origin);
