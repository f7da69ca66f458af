import type { Engine } from '../../shared/api.ts';
import { collectSeldom } from '../garbage.ts';
import { beat } from '../pulse.ts';
import { answerCalls } from './answers.ts';
import { parentConnection } from './parent.ts';

/** Serves `engine` to the process that forked this one, and ends with it. */
export function serve(engine: Engine): void {
  collectSeldom();
  const connection = parentConnection();
  answerCalls(connection, engine);
  endWithParent();
  connection.listen();
}

/** Gives signs of life to this process's parent and ends with it; ends cleanly on request. */
export function endWithParent(): void {
  beat();
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
  // The parent may have ended while this process was starting.
  if (!process.connected) process.exit(0);
}
