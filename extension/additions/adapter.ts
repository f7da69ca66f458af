import { openCheckpoint } from '../../engine/models/open.ts';
import type { GenerateRequest } from '../../shared/api.ts';

/** A request without the IP-Adapter if its model reads reference images itself, so that a form can keep both. */
export async function withoutIdleAdapter<
  Request extends Pick<GenerateRequest<unknown>, 'model' | 'references' | 'referenceModel'>,
>(request: Request): Promise<Request> {
  const { referenceModel, ...others } = request;
  if (!referenceModel || !(await readsImages(request.model))) return request;
  return others as Request;
}

/** Whether a model reads reference images itself; false if it cannot be opened, which is reported when it is used. */
export async function readsImages(model: string | undefined): Promise<boolean> {
  try {
    return (await openCheckpoint(model)).readsImages;
  } catch {
    return false;
  }
}
