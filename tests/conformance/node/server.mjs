// The official server-side OFREP provider. Reads questions as JSON lines {key, type, default, context}, writes details.
import { createInterface } from 'node:readline';
import { OpenFeature } from '@openfeature/server-sdk';
import { OFREPProvider } from '@openfeature/ofrep-provider';

const [baseUrl, token] = process.argv.slice(2);
const headers = token ? { Authorization: `Bearer ${token}` } : {};
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl, headers }));
const client = OpenFeature.getClient();
const ask = {
  boolean: (q) => client.getBooleanDetails(q.key, q.default, q.context),
  number: (q) => client.getNumberDetails(q.key, q.default, q.context),
  string: (q) => client.getStringDetails(q.key, q.default, q.context),
  object: (q) => client.getObjectDetails(q.key, q.default, q.context),
};
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  console.log(JSON.stringify(await ask[question.type](question)));
}
