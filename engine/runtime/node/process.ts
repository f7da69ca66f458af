/** The engine process: forked by `EngineProcess` (client.ts), bundled to dist/engine.mjs. */
import { createEngine } from '../../engine.ts';
import { NodeRuntime } from './runtime.ts';
import { serve } from './serve.ts';

serve(createEngine(new NodeRuntime()));
