/** Names of the program and the system that a `User-Agent` speaks of; empty where it says nothing that people would know. */
export function readUserAgent(text: string): { readonly browser: string; readonly os: string } {
  return { browser: first(BROWSERS, text), os: first(SYSTEMS, text) };
}

type Names = readonly (readonly [name: string, pattern: RegExp])[];

/** Most browsers also claim to be an older one, so the newer names come first. */
const BROWSERS: Names = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS|Chromium)\//],
  ['Safari', /\bSafari\//],
  ['curl', /^curl\//],
];

const SYSTEMS: Names = [
  ['Android', /\bAndroid\b/],
  ['iOS', /\b(?:iPhone|iPad|iPod)\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac(?:intosh| OS X)\b/],
  ['Linux', /\bLinux\b/],
];

function first(names: Names, text: string): string {
  return names.find(([, pattern]) => pattern.test(text))?.[0] ?? '';
}
