/** A process that tries a device, for tests: the device name selects its behaviour. */

import { answer } from '../../engine/answers.ts';
import { parentConnection } from '../../engine/parent.ts';
import { endWithParent } from '../../engine/serve.ts';
import { check } from '../protocol.ts';

const connection = parentConnection();
answer(connection, check, async ({ device, name }) => {
  if (name.includes('crashes')) process.exit(139);
  if (name.includes('hangs')) await new Promise(() => setInterval(() => {}, 1000));
  if (name.includes('has no driver')) throw new Error('Failed to get an adapter.\nAnd more.');
  if (name.includes('is wrong')) return { wrong: [], fault: 'its attentions are wrong by 31 %' };
  const wrong = name.includes('composes') ? ['MultiHeadAttention'] : [];
  const stepSeconds = Number(/[\d.]+/.exec(name)![0]);
  return { wrong, stepSeconds, ...(device !== 'cpu' && { steps: { fp32: stepSeconds } }) };
});
endWithParent();
connection.listen();
