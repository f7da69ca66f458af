/**
 * The globals that browsers and Node both have, as far as the engine's core uses them. Only tsconfig.core.json includes
 * this file: there, neither the DOM's nor Node's types exist.
 */

declare class DOMException extends Error {
  constructor(message?: string, name?: string);
}

declare class EventTarget {
  addEventListener(type: string, listener: (event: unknown) => void, options?: { once?: boolean }): void;
  removeEventListener(type: string, listener: (event: unknown) => void): void;
}

declare class AbortSignal extends EventTarget {
  static any(signals: AbortSignal[]): AbortSignal;
  readonly aborted: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: as the platform's own declaration has it.
  readonly reason: any;
  throwIfAborted(): void;
}

declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}

declare class TextDecoder {
  constructor(encoding?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}

declare const performance: { now(): number };

declare const crypto: {
  readonly subtle: {
    digest(algorithm: 'SHA-256', bytes: ArrayBufferView<ArrayBuffer>): Promise<ArrayBuffer>;
  };
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
  getRandomValues<Values extends Uint8Array | Uint32Array>(values: Values): Values;
};

/** What identifies a timer: a number in browsers, an object on Node. */
interface Timer {
  readonly timer: never;
}

declare function setTimeout(run: (value?: undefined) => void, milliseconds?: number): Timer;
declare function clearTimeout(timer: Timer | undefined): void;
declare function setInterval(run: () => void, milliseconds: number): Timer;
declare function clearInterval(timer: Timer | undefined): void;

declare class URL {
  constructor(url: string | URL);
  static canParse(url: string): boolean;
  readonly origin: string;
  readonly host: string;
  readonly username: string;
  readonly password: string;
  readonly href: string;
}

declare class Headers {
  constructor(init?: Headers | Record<string, string>);
  get(name: string): string | null;
  delete(name: string): void;
  [Symbol.iterator](): Iterator<[string, string]>;
}

interface RequestInit {
  headers?: Headers | Record<string, string>;
  signal?: AbortSignal;
}

declare class Request {
  readonly url: string;
}

interface StreamReader {
  read(): Promise<{ done: false; value: Uint8Array } | { done: true; value: undefined }>;
  cancel(): Promise<void>;
}

declare class Response {
  readonly ok: boolean;
  readonly status: number;
  readonly url: string;
  readonly headers: Headers;
  readonly body: { getReader(): StreamReader; cancel(): Promise<void> } | null;
}

declare function fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
