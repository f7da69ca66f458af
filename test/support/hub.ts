/** A stand-in for the Hugging Face hub on loopback: its addresses, redirects, ranges and hashes, and its faults. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Files from this size on are served from another host, by a redirect, as large files are. */
const LARGE = 2000;
/** Entries of a listing in one answer. */
const PAGE = 6;

/** A fault of a request. */
export type Fault =
  /** The connection breaks after this many bytes of the answer. */
  | { cut: number }
  | { status: number; headers?: Record<string, string> }
  /** One byte of the content is another one. */
  | { flip: number }
  /** The content ends early or is too long, and the answer says that this is right. */
  | { length: number }
  | { redirect: string }
  /** Nothing comes after this many bytes. */
  | { stall: number }
  /** Bytes each tenth of a second. */
  | { slow: number };

export interface HubRequest {
  method: string;
  /** The address without host and query. */
  path: string;
  range: string | undefined;
  authorization: string | undefined;
  /** The file's name in its repository, for requests of content. */
  file: string | undefined;
}

interface StoredFile {
  path: string;
  content: Buffer;
  oid: string;
  sha256: string;
}

export interface HubRepository {
  folder: string;
  licence?: string;
  /** Only requests with this token are answered. */
  token?: string;
  /** Its commit, where that matters; made from the content if absent. */
  commit?: string;
}

export interface Hub {
  endpoint: string;
  requests: HubRequest[];
  /** Called for every request; returns the fault that happens. */
  fault: (request: HubRequest) => Fault | undefined;
  /** The commit that a repository has. */
  commit(id: string): Promise<string>;
  close(): Promise<void>;
}

/** The connection of a file's download breaks after `bytes`; after that, every request for it does at once. */
export function cutAfter(name: string, bytes: number): Hub['fault'] {
  let broken = false;
  return ({ file, path }) => {
    if (file !== name || path.includes('/resolve/')) return undefined;
    if (broken) return { cut: 0 };
    broken = true;
    return { cut: bytes };
  };
}

/** Serves folders as repositories, on a free port. */
export async function startHub(repositories: Record<string, HubRepository>): Promise<Hub> {
  const contents = new Contents(repositories);
  const hub: Hub = {
    endpoint: '',
    requests: [],
    fault: () => undefined,
    commit: (id) => contents.commit(id),
    close: async () => {
      for (const server of [api, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  const take = (request: http.IncomingMessage, file?: string): Fault | undefined => {
    const seen = {
      method: request.method!,
      path: decodeURIComponent(new URL(request.url!, 'http://hub').pathname),
      range: request.headers.range,
      authorization: request.headers.authorization,
      file,
    };
    hub.requests.push(seen);
    return hub.fault(seen);
  };

  const api = serverForPages(async (request, response) => {
    const url = new URL(request.url!, 'http://hub');
    const place = decodeURIComponent(url.pathname);
    const info = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(place);
    const resolve = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(place);
    const id = (info ?? resolve)?.[1] ?? '';
    const fault = take(request, resolve?.[3]);
    if (fault && 'status' in fault) return void response.writeHead(fault.status, fault.headers).end('{}');
    if (fault && 'redirect' in fault) return void response.writeHead(302, { location: fault.redirect }).end();
    const repository = Object.hasOwn(repositories, id) ? repositories[id] : undefined;
    if (!repository) return refuse(response, 401, 'RepoNotFound');
    if (repository.token && request.headers.authorization !== `Bearer ${repository.token}`)
      return refuse(response, request.headers.authorization ? 403 : 401, 'GatedRepo');
    const revision = (info ?? resolve)!.at(info ? 3 : 2)!;
    const sha = await contents.commit(id);
    if (revision !== 'main' && revision !== sha) return refuse(response, 404, 'RevisionNotFound');
    const files = await contents.files(id);
    if (info?.[2] === 'revision') return json(response, infoOf(id, sha, repository), fault);
    if (info) {
      const { entries, next } = pageOf(files, url);
      if (next) response.setHeader('link', `<${hub.endpoint}${next}>; rel="next"`);
      return json(response, entries, fault);
    }
    const file = files.find((file) => file.path === resolve![3]);
    if (!file) return refuse(response, 404, 'EntryNotFound');
    if (file.content.length < LARGE) return void serve(request, response, file.content, fault);
    if (fault && 'cut' in fault) return void response.destroy();
    const { port } = storage.address() as AddressInfo;
    redirect(response, file, `http://127.0.0.1:${port}/${id}/${file.path}`);
  });

  const storage = serverForPages(async (request, response) => {
    const [, owner, name, ...rest] = decodeURIComponent(request.url!).split('/');
    const files = await contents.files(`${owner}/${name}`);
    const file = files.find((file) => file.path === rest.join('/'))!;
    const fault = take(request, file.path);
    if (fault && 'status' in fault) return void response.writeHead(fault.status, fault.headers).end();
    if (fault && 'redirect' in fault) return void response.writeHead(302, { location: fault.redirect }).end();
    // Signed addresses of a storage service do not go together with a token.
    if (request.headers.authorization) return void response.writeHead(400).end();
    await serve(request, response, file.content, fault);
  });

  for (const server of [api, storage])
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hub.endpoint = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  return hub;
}

/** A server that lets pages of other origins ask, as the hub does. What browsers ask beforehand it answers itself. */
function serverForPages(
  answer: (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>,
): http.Server {
  return http.createServer((request, response) => {
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('access-control-expose-headers', 'link, x-error-code, x-linked-etag, x-linked-size');
    if (request.method !== 'OPTIONS') return void answer(request, response);
    response.setHeader('access-control-allow-headers', 'authorization, range');
    response.writeHead(204).end();
  });
}

/** The files of each repository, read once. */
class Contents {
  readonly #repositories: Record<string, HubRepository>;
  readonly #files = new Map<string, Promise<StoredFile[]>>();

  constructor(repositories: Record<string, HubRepository>) {
    this.#repositories = repositories;
  }

  files(id: string): Promise<StoredFile[]> {
    const files = this.#files.get(id) ?? readAll(this.#repositories[id]!.folder);
    this.#files.set(id, files);
    return files;
  }

  async commit(id: string): Promise<string> {
    const given = this.#repositories[id]!.commit;
    if (given) return given;
    const lines = (await this.files(id)).map(({ path, oid }) => `${path} ${oid}`);
    return createHash('sha1').update(lines.join('\n')).digest('hex');
  }
}

function infoOf(id: string, sha: string, { licence = 'mit' }: HubRepository): object {
  const counts = { downloads: 0, likes: 0 };
  return { _id: '1', id, sha, tags: [`license:${licence}`], private: false, gated: false, ...counts };
}

/** A page of a list of files, and the address of the next one. */
function pageOf(files: readonly StoredFile[], url: URL): { entries: object[]; next?: string } {
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const to = from + PAGE;
  const next = `${url.pathname}?recursive=true&expand=false&cursor=${to}`;
  return { entries: files.slice(from, to).map(entryOf), ...(to < files.length && { next }) };
}

function entryOf({ path, content, oid, sha256 }: StoredFile): object {
  const size = content.length;
  const lfs = size >= LARGE && { lfs: { oid: sha256, size, pointerSize: 134 }, xetHash: sha256 };
  return { type: 'file', oid, size, path, ...lfs };
}

/** Large files are in the storage. */
function redirect(response: http.ServerResponse, { sha256, content }: StoredFile, location: string): void {
  response.setHeader('x-linked-etag', `"${sha256}"`);
  response.setHeader('x-linked-size', content.length);
  response.writeHead(302, { location }).end();
}

function refuse(response: http.ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'x-error-code': code, 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: code }));
}

async function json(response: http.ServerResponse, value: unknown, fault: Fault | undefined): Promise<void> {
  const text = JSON.stringify(value);
  response.setHeader('content-type', 'application/json');
  response.setHeader('content-length', Buffer.byteLength(text));
  if (fault && 'cut' in fault) {
    await cut(response, text.slice(0, fault.cut));
    return;
  }
  response.end(text);
}

/** Sends the beginning of an answer; what a client has not read when a connection breaks may be lost to it. */
async function cut(response: http.ServerResponse, beginning: string | Buffer): Promise<void> {
  response.write(beginning);
  await sleep(100);
  response.destroy();
}

async function serve(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  content: Buffer,
  fault: Fault | undefined,
): Promise<void> {
  let body = content;
  if (fault && 'flip' in fault) {
    body = Buffer.from(content);
    body[fault.flip % body.length]! ^= 1;
  }
  if (fault && 'length' in fault) body = Buffer.concat([content, content]).subarray(0, fault.length);
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (from >= body.length && from > 0) return void response.writeHead(416).end();
  const part = body.subarray(from);
  response.setHeader('content-length', part.length);
  response.setHeader('accept-ranges', 'bytes');
  if (from > 0) response.setHeader('content-range', `bytes ${from}-${body.length - 1}/${body.length}`);
  response.writeHead(from > 0 ? 206 : 200);
  if (fault && 'cut' in fault) await cut(response, part.subarray(0, fault.cut));
  else if (fault && 'stall' in fault) {
    response.flushHeaders();
    response.write(part.subarray(0, fault.stall));
  } else if (fault && 'slow' in fault) {
    for (let at = 0; at < part.length && !response.destroyed; at += fault.slow) {
      response.write(part.subarray(at, at + fault.slow));
      await sleep(100);
    }
    response.end();
  } else response.end(part);
}

async function readAll(folder: string): Promise<StoredFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return Promise.all(
    files.sort().map(async (file) => {
      const content = await readFile(file);
      const git = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
      const sha256 = createHash('sha256').update(content).digest('hex');
      return { path: path.relative(folder, file).replaceAll(path.sep, '/'), content, oid: git, sha256 };
    }),
  );
}
