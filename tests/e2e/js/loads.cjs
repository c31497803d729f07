// Each stock exporter loads and can be constructed: what the end-to-end tests rest on.
// Prints the exporters and their version; no network, no server.
'use strict';

const exporters = {
  'exporter-logs-otlp-grpc': 'OTLPLogExporter',
  'exporter-logs-otlp-http': 'OTLPLogExporter',
  'exporter-logs-otlp-proto': 'OTLPLogExporter',
  'exporter-trace-otlp-grpc': 'OTLPTraceExporter',
  'exporter-trace-otlp-http': 'OTLPTraceExporter',
  'exporter-trace-otlp-proto': 'OTLPTraceExporter',
};
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { LoggerProvider, SimpleLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { resourceFromAttributes } = require('@opentelemetry/resources');
require('@opentelemetry/api');
require('@opentelemetry/api-logs');

async function main() {
  const resource = resourceFromAttributes({ 'service.name': 'loads' });
  for (const [name, type] of Object.entries(exporters)) {
    const exporter = new (require(`@opentelemetry/${name}`)[type])();
    const provider = type === 'OTLPTraceExporter'
      ? new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] })
      : new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor(exporter)] });
    await provider.shutdown();
    console.log(`${name} ${require(`@opentelemetry/${name}/package.json`).version}`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
