/** Fetches the model that FETCH names and prints its folder, or why there is none. */
import { fetchModel, planFetch } from '../fetch-model.ts';
import { hubSettings } from '../settings.ts';

try {
  const settings = await hubSettings({ retryDelay: 10 });
  console.log(await fetchModel(settings, await planFetch(settings, { id: process.env.FETCH! })));
} catch (error) {
  console.log(String(error));
}
