// The official web provider, kept up to date by its event stream (an EventSource for Node) or by polling.
// Arguments: base URL, token, milliseconds between polls (0: event stream), evaluation context as JSON.
// Writes the controls as a JSON line whenever they change, with the monotonic clock in nanoseconds.
import { EventSource } from 'eventsource';
globalThis.EventSource = EventSource;
const { OpenFeature, ProviderEvents } = await import('@openfeature/web-sdk');
const { OFREPWebProvider } = await import('@openfeature/ofrep-web-provider');

const [baseUrl, token, poll, context] = process.argv.slice(2);
const provider = new OFREPWebProvider({
  baseUrl,
  headers: token ? [['Authorization', `Bearer ${token}`]] : [],
  pollInterval: Number(poll),
  changeDetection: Number(poll) ? 'polling' : 'sse',
  cacheMode: 'disabled',
});
await OpenFeature.setContext(JSON.parse(context));
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();

function say() {
  const at = process.hrtime.bigint().toString();
  console.log(JSON.stringify({
    at,
    halt: client.getBooleanDetails('agent.halt', false),
    max_turns: client.getNumberDetails('agent.max_turns', -1),
    controls: client.getObjectDetails('agent.controls', {}),
  }));
}
client.addHandler(ProviderEvents.ConfigurationChanged, say);
say();
process.stdin.on('end', () => process.exit(0)).resume();
