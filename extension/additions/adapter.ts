import type { GenerateRequest } from '../../shared/api.ts';
import { type AskedModel, openAsked } from '../openAsked.ts';

/** A request without the IP-Adapter if its model reads reference images itself, so that a form can keep both. */
export async function withoutIdleAdapter<
  Request extends AskedModel & Pick<GenerateRequest<unknown>, 'references' | 'referenceModel'>,
>(request: Request): Promise<Request> {
  const { referenceModel, ...others } = request;
  if (!referenceModel || !(await readsImages(request))) return request;
  return others as Request;
}

/** Whether a model reads reference images itself; false if it cannot be opened, which is reported when it is used. */
export async function readsImages(asked: AskedModel): Promise<boolean> {
  try {
    return (await openAsked(asked)).readsImages;
  } catch {
    return false;
  }
}
