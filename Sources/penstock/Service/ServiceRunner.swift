// SPDX-License-Identifier: Apache-2.0
internal import Console
internal import Dispatch
internal import Foundation
internal import Logging
internal import ServiceLifecycle
internal import UnixSignals

/// Runs an engine with its HTTP endpoint until SIGTERM or SIGINT, and reloads at SIGHUP.
struct ServiceRunner: Sendable {
    let engine: Engine
    let log: Logger
    /// Called once when everything runs; the demonstration plays its attack there.
    var whenRunning: (@Sendable () async throws -> Void)?
    /// Whether the service ends when `whenRunning` has.
    var endsAfterwards = false

    /// The engine as a service: started by `run`, stopped by the group.
    private struct EngineService: Service {
        let engine: Engine
        let whenRunning: (@Sendable () async throws -> Void)?
        let endsAfterwards: Bool

        func run() async throws {
            engine.start()
            if let whenRunning {
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    group.addTask {
                        try await whenRunning()
                        return true
                    }
                    group.addTask {
                        try? await gracefulShutdown()
                        return false
                    }
                    if try await group.next() == true, !endsAfterwards { _ = try await group.next() }
                    group.cancelAll()
                }
            } else {
                try? await gracefulShutdown()
            }
        }
    }

    /// Runs to the end; throws when the HTTP endpoint cannot be opened or `whenRunning` failed.
    func run() async throws {
        let reload = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
        signal(SIGHUP, SIG_IGN)
        reload.setEventHandler { [engine, log] in
            let faults = engine.reload()
            if faults.isEmpty {
                log.info("reloaded mappings, rules, zones, threat intelligence and certificates")
            } else {
                for fault in faults { log.error("reload: \(fault)") }
                log.error("reload refused: the old configuration stays")
            }
        }
        reload.resume()
        defer { reload.cancel() }

        var quiet = log
        quiet.logLevel = .warning
        let endpoint = Endpoint.application(
            host: engine.configuration.httpHost, port: engine.configuration.httpPort, registry: engine.hub.registry,
            logger: quiet, isReady: { [engine] in engine.notReady },
            remarks: { [engine] in engine.remarks }, refresh: { [engine] in engine.refreshGauges() })
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: endpoint),
                    .init(
                        service: EngineService(
                            engine: engine, whenRunning: whenRunning, endsAfterwards: endsAfterwards),
                        successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
        let result: Result<Void, any Error>
        do {
            try await group.run()
            result = .success(())
        } catch { result = .failure(error) }
        // Draining blocks on threads, so it must not hold one of the pool that the endpoint still uses.
        await withCheckedContinuation { done in
            Thread.detachNewThread { [engine] in
                engine.stop()
                done.resume()
            }
        }
        try result.get()
    }
}
