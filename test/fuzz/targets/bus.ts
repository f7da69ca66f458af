/** Messages from a bus. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { InputError } from '../../../engine/errors.ts';
import type { Condition } from '../../../engine/execution/condition.ts';
import type { Tensor } from '../../../engine/graph/tensor.ts';
import { busAddress } from '../../../processes/bus/address.ts';
import { headSchema, parsed, progressSchema, taskSchema } from '../../../processes/bus/batch/queue.ts';
import { ParcelReader, sendParcel } from '../../../processes/bus/parcels.ts';
import { SENT_ADDITIONS, SMALL_JOB, STEERED_JOB } from '../../../processes/bus/testing/job.ts';
import {
  ANSWERS,
  answeredSchema,
  beginSchema,
  failureSchema,
  mailSchema,
  packJob,
  packStep,
  stepSchema,
  unpackJob,
  unpackStep,
} from '../../../processes/bus/wire.ts';
import { withoutSecrets } from '../../../shared/address.ts';
import { changed, damaged, oddText, type Target, target } from '../target.ts';

const MOST = 1 << 20;
const begin = packJob(SMALL_JOB, 'hash');
const steered = packJob(STEERED_JOB, 'hash', SENT_ADDITIONS);
const step = packStep({ job: 'job', step: 1, timestep: 9, kind: 'band', sample: new Float32Array(256) });
const heads = [
  begin.head,
  steered.head,
  step.head,
  { job: 'job', step: 1, from: 0, files: [{ to: 'all', bytes: 4 }] },
  { ask: 'a', answer: { runSeconds: 1, seconds: 1, sentBytes: 1, receivedBytes: 1, recordSeconds: 0 } },
  { ask: 'a', working: true },
  { batch: crypto.randomUUID(), item: 1, request: { prompt: 'a house', seed: 1 } },
  { attempt: crypto.randomUUID(), parts: 1, sha256: 'a'.repeat(64), worker: 'x', seconds: 1 },
];

const messages: Uint8Array[] = [];
await sendParcel(
  {
    publish: (_: string, data?: unknown) => void messages.push(data as Uint8Array),
    flush: async () => {},
    info: { max_payload: 65_700 } as never,
  },
  'x',
  begin.head,
  new Uint8Array(700),
);

export const targets: Target[] = [
  target(
    'parcels of damaged messages',
    fc.array(fc.oneof(...messages.map(damaged), ...messages.map((message) => fc.constant(message))), {
      minLength: 1,
      maxLength: 30,
    }),
    (received) => {
      const reader = new ParcelReader(MOST);
      for (const message of received) {
        const parcel = reader.read(message);
        assert.ok(!parcel || parcel.body.byteLength <= MOST);
        assert.ok(reader.held <= 2 * MOST);
      }
    },
  ),
  target('heads of all calls and answers', fc.oneof(...heads.map(changed)), (head) => {
    const schemas = [
      beginSchema,
      stepSchema,
      mailSchema,
      answeredSchema,
      failureSchema,
      ...Object.values(ANSWERS),
    ];
    for (const schema of [...schemas, taskSchema, headSchema, progressSchema]) schema.safeParse(head);
    parsed(taskSchema, Buffer.from(JSON.stringify(head) ?? ''));
  }),
  ...[begin, steered].map((job, i) =>
    target(
      ['jobs', 'jobs with all that steers an image'][i]!,
      fc.tuple(changed(job.head), damaged(job.body)),
      ([head, body]) => {
        const checked = beginSchema.safeParse(head);
        if (!checked.success) return;
        try {
          const { bands, index, condition } = unpackJob(checked.data, body, { id: 'model', version: '' });
          assert.ok(index < bands.edges[0]!.length - 1);
          for (const { data, dims } of tensorsIn(condition))
            assert.equal(
              data.length,
              dims.reduce((a, b) => a * b, 1),
            );
        } catch (error) {
          assert.match(String(error), /^Error: a job came/);
        }
      },
    ),
  ),
  target('steps', fc.tuple(changed(step.head), damaged(step.body)), ([head, body]) => {
    const checked = stepSchema.safeParse(head);
    if (!checked.success) return;
    try {
      assert.equal(unpackStep(checked.data, body, 256).sample.length, 256);
    } catch (error) {
      assert.match(String(error), /^Error: a step came/);
    }
  }),
  target('addresses', fc.tuple(oddText, oddText, oddText), ([scheme, secret, host]) => {
    const mark = 'Zq7Zq7';
    for (const start of [scheme, 'nats', 'tls']) {
      const address = `${start}://u:${secret}${mark}@${host.replaceAll('@', '')}`;
      assert.ok(!withoutSecrets(address).includes(mark));
      try {
        busAddress(address);
      } catch (error) {
        assert.ok(error instanceof InputError && !error.message.includes(mark));
      }
    }
  }),
];

/** All tensors of a condition. */
function tensorsIn(condition: Condition): Tensor[] {
  const { text, vectors = {}, controls, references = [], regions = [], shares = [], later = [] } = condition;
  const guides = controls ? [...controls.hints, ...controls.features] : [];
  const seen = references.flatMap(({ keys, values, masks = {} }) => [keys, values, ...Object.values(masks)]);
  return [
    text,
    ...Object.values(vectors),
    ...guides.flatMap(({ maps }) => maps),
    ...seen,
    ...regions,
    ...shares.flatMap((maps) => Object.values(maps)),
    ...later.map((one) => one.text),
  ];
}
