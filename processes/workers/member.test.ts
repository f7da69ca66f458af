import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { MemberLostError } from '../../engine/parallel/job.ts';
import { KeptMembers, ServedMember } from './member.ts';

/** Starts members that answer nothing, and records which of them run. */
class Starter {
  readonly running = new Set<string>();

  async start(name: string): Promise<ServedMember> {
    await setImmediate();
    const { running } = this;
    running.add(name);
    return new ServedMember(name, {
      get usable() {
        return running.has(name);
      },
      call: () => Promise.reject(new MemberLostError(name)),
      end: async () => void running.delete(name),
    });
  }
}

test('workers that started beside one that failed are ended, and those of before are kept', async () => {
  const starter = new Starter();
  const kept = new KeptMembers<ServedMember>();
  await kept.take(1, 1, (name) => starter.start(name));
  const failing = kept.take(4, 1, (name) => {
    if (name === 'Worker 3') throw new Error('no more memory');
    return starter.start(name);
  });
  await assert.rejects(failing, /no more memory/);
  assert.deepEqual([...starter.running], ['Worker 1']);
  const members = await kept.take(3, 1, (name) => starter.start(name));
  assert.deepEqual(
    members.map(({ name }) => name),
    ['Worker 1', 'Worker 2', 'Worker 3'],
  );
  await kept.dismiss();
  assert.deepEqual([...starter.running], []);
});

test('workers that are still starting when their crew is dismissed are ended', async () => {
  const starter = new Starter();
  const kept = new KeptMembers<ServedMember>();
  const taking = kept.take(2, 1, (name) => starter.start(name));
  await setImmediate();
  await kept.dismiss();
  await assert.rejects(taking, MemberLostError);
  assert.deepEqual([...starter.running], []);
});

test('a crew that was dismissed starts no workers, nor while they end', async () => {
  const starter = new Starter();
  const kept = new KeptMembers<ServedMember>();
  const take = () => kept.take(1, 1, (name) => starter.start(name));
  await take();
  const again = take();
  await kept.dismiss();
  await assert.rejects(again, MemberLostError);
  await assert.rejects(take(), MemberLostError);
  assert.deepEqual([...starter.running], []);
});
