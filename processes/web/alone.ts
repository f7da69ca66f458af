import { asksForWorkers } from '../../engine/parallel/crews.ts';
import { ENGINE_CALLS, type Engine, type EngineCall, type EngineCalls } from '../../shared/api.ts';

/** An engine that has no workers beside it: what is asked of several it computes alone, and says why. */
export function alone(engine: Engine, why: string): Engine {
  const without =
    <Request extends { workers?: number }, Options, Result extends { warnings: string[] }>(
      call: (request: Request, options: Options) => Promise<Result>,
    ) =>
    async (request: Request, options: Options): Promise<Result> => {
      if (!asksForWorkers(request)) return call(request, options);
      const { workers: _, ...rest } = request;
      const result = await call(rest as Request, options);
      return { ...result, warnings: [...result.warnings, why] };
    };
  const names = Object.keys(ENGINE_CALLS) as EngineCall[];
  const calls = Object.fromEntries(names.map((name) => [name, engine[name].bind(engine)])) as EngineCalls;
  return {
    ...calls,
    generate: without(calls.generate),
    edit: without(calls.edit),
    dispose: () => engine.dispose(),
  };
}
