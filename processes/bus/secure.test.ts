import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { nkeys } from '@nats-io/transport-node';
import { InputError } from '../../engine/errors.ts';
import { skipWithout } from '../../test/support/needs.ts';
import { connectBus } from './connection.ts';
import { noServer, startServer, type TestServer } from './testing/server.ts';

const skip = noServer || skipWithout('openssl', 'version');

let folder: string;
const at = (name: string) => path.join(folder, name);

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'patchwork-'));
  if (skip) return;
  certificate('server', '127.0.0.1');
  certificate('stranger', '127.0.0.1');
  certificate('elsewhere', '192.0.2.1');
});

after(() => rm(folder, { recursive: true, force: true }));

/** A certificate for an address that is its own authority. */
function certificate(name: string, address: string): void {
  const { status, stderr } = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
    ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=IP:${address}`],
    ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)],
  ]);
  assert.equal(status, 0, String(stderr));
}

async function reaches(server: TestServer, change: object, user = ''): Promise<void> {
  const url = server.url.replace('nats://', `tls://${user}`);
  const bus = await connectBus({ url, authority: at('server.pem'), ...change }, 'test');
  await bus.flush();
  await bus.close();
}

test('a server with a certificate, a user and a password', { skip }, async () => {
  const server = await startServer(
    ...['--tls', '--tlscert', at('server.pem'), '--tlskey', at('server.key')],
    ...['--user', 'me', '--pass', 'p@ss'],
  );
  try {
    await reaches(server, {}, 'me:p%40ss@');
    const plain = { url: server.url.replace('nats://', 'nats://me:p%40ss@'), authority: at('server.pem') };
    await reaches(server, plain);
    await writeFile(at('password'), 'p@ss\n');
    await reaches(server, { passwordFile: at('password') }, 'me@');
    process.env.PATCHWORK_BUS_PASSWORD = 'p@ss';
    await reaches(server, {}, 'me@');
    delete process.env.PATCHWORK_BUS_PASSWORD;
    for (const [change, user] of [
      [{}, 'me:wrong@'],
      [{}, ''],
      [{}, 'me@'],
      [{ authority: undefined }, 'me:p%40ss@'],
      [{ authority: at('stranger.pem') }, 'me:p%40ss@'],
      [{ authority: at('none.pem') }, 'me:p%40ss@'],
    ] as const)
      await assert.rejects(reaches(server, change, user), InputError);
  } finally {
    await server.stop();
  }
});

test('a certificate of another address, or a server without any, is refused', { skip }, async () => {
  const flags = ['--tls', '--tlscert', at('elsewhere.pem'), '--tlskey', at('elsewhere.key')];
  for (const server of [await startServer(...flags), await startServer()]) {
    await assert.rejects(reaches(server, { authority: at('elsewhere.pem') }), InputError);
    await server.stop();
  }
});

test('a server that asks for credentials', { skip }, async () => {
  const [operator, account, user, stranger] = [
    nkeys.createOperator(),
    nkeys.createAccount(),
    nkeys.createUser(),
    nkeys.createUser(),
  ];
  const claims = { type: 'account', version: 2, limits: UNLIMITED };
  const config = [
    `operator: ${token(operator, operator, 'o', { type: 'operator', version: 2 })}`,
    'resolver: MEMORY',
    `resolver_preload: { ${account.getPublicKey()}: ${token(operator, account, 'a', claims)} }`,
  ];
  await writeFile(at('server.conf'), config.join('\n'));
  const server = await startServer('-c', at('server.conf'));
  try {
    const limits = { subs: -1, data: -1, payload: -1 };
    const jwt = token(account, user, 'u', { type: 'user', version: 2, ...limits });
    await writeFile(at('me.creds'), credentials(jwt, user));
    await writeFile(at('stranger.creds'), credentials(jwt, stranger));
    await writeFile(at('broken.creds'), 'not credentials');
    const connect = async (file: string | undefined) => {
      const bus = await connectBus({ url: server.url, ...(file && { credentials: at(file) }) }, 'test');
      await bus.close();
    };
    await connect('me.creds');
    for (const file of ['stranger.creds', 'broken.creds', 'none.creds', undefined])
      await assert.rejects(connect(file), InputError);
  } finally {
    await server.stop();
  }
});

const UNLIMITED = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
  leaf: -1,
};

/** A JSON web token in NATS's form: the issuer's claims about a subject. */
function token(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, name: string, nats: object): string {
  const coded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    jti: name,
    iat: 1_700_000_000,
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name,
    nats,
  };
  const text = `${coded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${coded(claims)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}

function credentials(jwt: string, user: nkeys.KeyPair): string {
  const seed = Buffer.from(user.getSeed()).toString();
  return [
    `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n`,
    `-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
  ].join('\n');
}
