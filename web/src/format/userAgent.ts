// What a browser calls itself, in the words of people: "Firefox 140 · Windows".

// In this order: most browsers claim to be several others too.
const BROWSERS: [name: string, pattern: RegExp][] = [
  ['Edge', /Edg(?:e|A|iOS)?\/(\d+)/],
  ['Opera', /OPR\/(\d+)/],
  ['WeChat', /MicroMessenger\/(\d+)/],
  ['QQ', /QQBrowser\/(\d+)/],
  ['Samsung Internet', /SamsungBrowser\/(\d+)/],
  ['Firefox', /(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /(?:HeadlessChrome|Chrome|CriOS)\/(\d+)/],
  ['Safari', /Version\/(\d+).* Safari\//],
];

const SYSTEMS: [name: string, pattern: RegExp][] = [
  ['Android', /Android/],
  ['iOS', /iPhone|iPad|iPod/],
  ['Windows', /Windows/],
  ['macOS', /Macintosh|Mac OS X/],
  ['ChromeOS', /CrOS/],
  ['Linux', /Linux|X11/],
];

/** The browser and its system; what is not known is shown as it came. */
export function describeUserAgent(text: string): string {
  const browser = BROWSERS.find(([, pattern]) => pattern.test(text));
  if (!browser) return text;
  const version = browser[1].exec(text)?.[1];
  const system = SYSTEMS.find(([, pattern]) => pattern.test(text))?.[0];
  return [`${browser[0]} ${version}`, system].filter(Boolean).join(' · ');
}
