/** Only tsconfig.core.json compiles this file: it fails as soon as a package brings Node's or the DOM's types along. */

// @ts-expect-error: there is no Node here.
export type NodeProcess = typeof process;
// @ts-expect-error: there is no page here.
export type Page = typeof document;
