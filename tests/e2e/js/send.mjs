// Sends one trace or one log with a stock OpenTelemetry exporter of JavaScript.
//
//   node send.mjs traces|logs grpc|http/protobuf|http/json HOST:PORT ATTRIBUTES
//
// ATTRIBUTES is JSON; {"$bytes": "<base64>"} stands for a Uint8Array, {"$double": "NaN"} for what JSON cannot say.
// Prints the ids that it chose, as JSON. Exits 1 if the export failed.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const api = require('@opentelemetry/api');

const [signal, protocol, target, attributesJson] = process.argv.slice(2);
const packages = { grpc: 'grpc', 'http/protobuf': 'proto', 'http/json': 'http' };
const suffix = packages[protocol];
const url = protocol === 'grpc' ? `http://${target}` : `http://${target}/v1/${signal}`;
const resource = resourceFromAttributes({ 'service.name': 'js-e2e', replica: 4 });

const attributes = JSON.parse(attributesJson, (key, value) => {
  if (value && value.$bytes !== undefined) return new Uint8Array(Buffer.from(value.$bytes, 'base64'));
  if (value && value.$double !== undefined) return Number(value.$double);
  return value;
});

// The SDK reports a failed export through its diagnostics alone.
let failed = false;
const quiet = () => {};
api.diag.setLogger(
  { error: (...text) => { failed = true; console.error(...text); }, warn: quiet, info: quiet, debug: quiet, verbose: quiet },
  api.DiagLogLevel.WARN,
);

async function sendTrace() {
  const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${suffix}`);
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))] });
  const tracer = provider.getTracer('js.scope', '4.5');
  const parent = tracer.startSpan('parent', { kind: api.SpanKind.CLIENT, attributes });
  const context = api.trace.setSpan(api.ROOT_CONTEXT, parent);
  const child = tracer.startSpan('child', {
    attributes: { 'audit.action': 'child_act' },
    links: [{ context: parent.spanContext(), attributes: { why: 'retry' } }],
  }, context);
  child.addEvent('approved', { 'audit.action': 'approve', by: 'carol' });
  child.addEvent('cache.miss', { 'cache.key': 'k' });
  child.setStatus({ code: api.SpanStatusCode.ERROR, message: 'the café is closed' });
  child.end();
  parent.end();
  tracer.startSpan('not audited').end();
  await provider.forceFlush();
  await provider.shutdown();
  return { trace_id: parent.spanContext().traceId, parent: parent.spanContext().spanId, child: child.spanContext().spanId };
}

async function sendLog() {
  const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${suffix}`);
  const provider = new LoggerProvider({ resource, processors: [new BatchLogRecordProcessor(new OTLPLogExporter({ url }))] });
  const logger = provider.getLogger('js.logs', '6.7');
  logger.emit({
    eventName: 'js.exercise',
    severityNumber: 17,
    severityText: 'ERROR',
    body: { what: 'exercise', list: [1, 'two'] },
    attributes,
    timestamp: [1700000000, 123456789],
    observedTimestamp: [1700000001, 5],
  });
  await provider.forceFlush();
  await provider.shutdown();
  return {};
}

const ids = await (signal === 'traces' ? sendTrace() : sendLog());
console.log(JSON.stringify(ids));
process.exit(failed ? 1 : 0);
