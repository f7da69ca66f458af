/** A process in which one device is tried: forked by `tryDevice` (try.ts), bundled to dist/device.mjs. */

import { NodeBackend } from '../../engine/backends/node/backend.ts';
import { openBackend } from '../../engine/backends/node/devices/open.ts';
import { checkDevice } from '../../engine/execution/device-check/check.ts';
import { answer } from '../engine/answers.ts';
import { parentConnection } from '../engine/parent.ts';
import { endWithParent } from '../engine/serve.ts';
import { check } from './protocol.ts';

const connection = parentConnection();
answer(connection, check, ({ device, ...about }) =>
  checkDevice(
    (wrong) => openBackend({ id: device, findings: { ...about, wrong: [...wrong] } }),
    new NodeBackend(),
  ),
);
endWithParent();
connection.listen();
