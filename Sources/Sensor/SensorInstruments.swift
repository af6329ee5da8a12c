// SPDX-License-Identifier: Apache-2.0
internal import Dissection
public import Instruments

/// The counters of one sensor source. They follow the engine's own counts: what is new is added once a batch.
/// One object serves one source, on the source's thread.
public final class SensorInstruments: @unchecked Sendable {
    private let registry: Registry
    private let source: String
    private let packets: Instrument
    private let decoded: Instrument
    private let records: Instrument
    private let flows: Instrument
    private let gapBytes: Instrument
    private let received: Instrument
    private let kernelDrops: Instrument
    private let interfaceDrops: Instrument
    private let evicted: Instrument
    private var known = EngineSummary()
    private var drops = LiveCapture.Drops()

    /// The counters of `source`: a file's path or an interface.
    public init(registry: Registry, source: String) {
        self.registry = registry
        self.source = source
        func counter(_ name: String, _ help: String) -> Instrument {
            registry.counter("penstock_sensor_\(name)_total", ["source": source], help: help)
        }
        packets = counter("packets", "Packets that the sensor took.")
        decoded = counter("decoded_packets", "Packets decoded to the application, or without a payload.")
        records = counter("records", "Records that the sensor made.")
        flows = counter("flows", "Flows begun.")
        gapBytes = counter("gap_bytes", "Bytes that the capture lost inside dissected TCP streams.")
        received = counter("received_packets", "Packets that passed the capture filter, as the kernel counts them.")
        kernelDrops = registry.dropped(stage: "capture", reason: "kernel_buffer_full")
        interfaceDrops = registry.dropped(stage: "capture", reason: "interface")
        evicted = registry.dropped(stage: "sensor", reason: "flow_table_full")
    }

    /// Adds what `counts` has above the last call.
    func update(_ counts: EngineSummary, records made: Int) {
        packets.add(counts.packets - known.packets)
        decoded.add(counts.decoded - known.decoded)
        records.add(made)
        flows.add(counts.flows - known.flows)
        evicted.add(counts.evictedFlows - known.evictedFlows)
        gapBytes.add(counts.gapBytes - known.gapBytes)
        for (reason, count) in counts.skipped where count != known.skipped[reason] {
            registry.counter(
                "penstock_sensor_skipped_packets_total", ["source": source, "reason": reason],
                help: "Packets not decoded to the application, by reason."
            ).add(count - (known.skipped[reason] ?? 0))
        }
        for (name, protocolCounts) in counts.protocols {
            let before = known.protocols[name] ?? EngineSummary.OfProtocol()
            registry.counter(
                "penstock_sensor_pdus_total", ["source": source, "protocol": name],
                help: "Messages of both directions, by protocol."
            ).add(protocolCounts.pdus - before.pdus)
            for (anomaly, count) in protocolCounts.anomalies where count != before.anomalies[anomaly] {
                registry.counter(
                    "penstock_sensor_anomalies_total", ["source": source, "protocol": name, "anomaly": anomaly],
                    help: "What was wrong with messages, by protocol and anomaly."
                ).add(count - (before.anomalies[anomaly] ?? 0))
            }
        }
        known = counts
    }

    /// Adds what the kernel lost since the last call.
    func update(_ now: LiveCapture.Drops) {
        received.add(now.received - drops.received)
        kernelDrops.add(now.kernel - drops.kernel)
        interfaceDrops.add(now.interface - drops.interface)
        drops = now
    }
}
