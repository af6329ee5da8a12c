// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Correlator
internal import Delivery
internal import Documents
internal import Events
internal import Glibc
internal import Incidents
internal import Instruments
internal import Inventory
internal import Journal
internal import Logging
internal import Receivers
internal import Store
internal import Synchronization
internal import Wire

/// The running service: it builds the lanes, joins the stages, and owns start, reload and stop.
final class Engine: @unchecked Sendable {
    /// Why the service did not start: one line a fault.
    struct StartFailure: Error, CustomStringConvertible {
        let description: String
    }

    let configuration: Configuration
    let hub: Hub
    private let log: Logger
    private let input: SyslogInput
    private let sensors: [SensorLane]
    private let files: FileReceiver?
    private let store: StateStore
    private let outbox: Outbox
    private let feeds: [FeedOutput]
    private let webhooks: [WebhookOutput]
    private let uploader: ObjectUploader?
    private let correlation: CorrelationLane
    private let delivery: DeliveryLane
    private let journal: Journal?
    private let outputs: Outputs
    private let names: SourceNames
    private let lineFiles: [LineFile]
    private let threads = Mutex<[OutputThread]>([])
    private let outputThreads = Mutex<[OutputThread]>([])
    private let state = Mutex<String?>("starting")
    /// The threat-intelligence lists that have gauges.
    let intelligenceLists = Mutex<Set<String>>([])
    private let clockGauges = ClockGauges()

    /// Opens everything that `configuration` names; nothing runs before `start`.
    init(
        _ configuration: Configuration, registry: Registry = Registry(), log: Logger,
        onChange: @escaping @Sendable (IncidentChange) -> Void = { _ in }
    ) throws {
        self.configuration = configuration
        self.log = log
        let complaints = Complaints()
        let loading = Knowledge.load(configuration, complaints: complaints)
        guard complaints.errors.isEmpty else {
            throw StartFailure(description: complaints.all.map(\.description).joined(separator: "\n"))
        }
        for complaint in complaints.all { log.warning("\(complaint)") }
        let hub = Hub(
            loading.knowledge, clockTolerance: configuration.clockTolerance, registry: registry)
        self.hub = hub

        try Engine.makeFolder(configuration.data)
        let store: StateStore
        do {
            store = try StateStore(path: configuration.data + "/penstock.sqlite")
        } catch {
            throw StartFailure(description: "data: \(configuration.data)/penstock.sqlite: \(error)")
        }
        self.store = store
        let laneCount = configuration.logCount
        let journal = try Engine.journal(configuration, lanes: laneCount, registry, log)
        self.journal = journal
        do { names = try SourceNames(configuration, journal) } catch {
            throw StartFailure(description: "journal: sources.json: \(error)")
        }
        let outbox = Outbox(store: store, log: log)
        self.outbox = outbox

        var lake: LakeWriter?
        var uploader: ObjectUploader?
        if let settings = configuration.lake {
            do {
                try Engine.makeFolder(settings.directory)
                let objects = try LocalObjectStore(directory: settings.directory)
                objects.removeLeftovers()
                let made = ObjectUploader(to: objects, registry: registry, log: log)
                uploader = made
                var lakeSettings = LakeSettings()
                lakeSettings.objectAge = settings.flushInterval
                lakeSettings.version = penstockVersion
                lakeSettings.sources = { [hub] _ in hub.knowledge.sources }
                if let compression = Content.compression(settings.compression) {
                    lakeSettings.compression = compression
                }
                lake = LakeWriter(lakeSettings, registry: registry, log: log) { made.submit($0) }
                lake?.uploader = made
            } catch let error as Delivery.StoreError {
                throw StartFailure(description: "outputs.lake: \(settings.directory): \(error.description)")
            }
        }
        self.uploader = uploader
        feeds =
            try configuration.feeds.map { try Engine.feed($0, configuration, registry, log) }
            + configuration.lines.filter { $0.content == .ocsf }.map { lines in
                FeedOutput(
                    FeedSettings(name: lines.name, file: lines.path), format: nil, version: penstockVersion,
                    registry: registry, log: log, checkpoint: Engine.checkpoint(lines.name, configuration, log))
            }
        do {
            lineFiles = try configuration.lines.filter { $0.content == .parsed }.map { try LineFile($0.path) }
        } catch { throw StartFailure(description: "outputs.lines: \(error)") }
        let isFull = configuration.pipeline == .full
        let outputs = Outputs(all: isFull ? ([lake?.progress].compactMap { $0 } + feeds.map(\.progress)) : [])
        self.outputs = outputs
        var checkpoint: CorrelationCheckpoint?
        if let journal, isFull {
            do {
                checkpoint = try CorrelationCheckpoint.newest(store)
                let windows = checkpoint?.positions ?? [:]
                try outputs.begin(journal, hub.matching, owned: 0..<laneCount, windows: windows) { [feeds] in
                    for feed in feeds { feed.keepBeginning() }
                }
            } catch { throw StartFailure(description: "journal: \(error)") }
        }
        webhooks = try configuration.webhooks.map { try Engine.webhook($0, registry, log, outbox) }
        delivery = DeliveryLane(hub: hub, lake: lake, feeds: feeds, outputs: outputs, journal: journal)

        var incidentSettings = configuration.incidentSettings
        for asset in loading.knowledge.plant.assets.values.sorted(by: { $0.name < $1.name })
        where asset.role == "gateway" || asset.role == "nat" || asset.role == "scanner" {
            incidentSettings.stops.append(
                .init(network: IPNetwork(asset.address, prefix: 128), reason: "\(asset.role) \(asset.name)"))
        }
        var options = Correlator.Options()
        options.outOfOrder = configuration.outOfOrder
        options.lateness = configuration.lateness
        options.futureTolerance = min(options.futureTolerance, configuration.clockTolerance)
        correlation = CorrelationLane(
            hub: hub, settings: incidentSettings, options: options, store: store, outbox: outbox, uploader: uploader,
            journal: isFull ? journal : nil, log: log, onChange: onChange)
        if let checkpoint { correlation.resume(checkpoint) }

        do {
            input = try SyslogInput.open(
                configuration.listeners, lanes: configuration.lanes, registry: registry, logger: log)
        } catch {
            throw StartFailure(description: "listeners: \(error)")
        }
        do {
            let positions = configuration.data + "/files"
            if !configuration.files.isEmpty { try Engine.makeFolder(positions) }
            files =
                configuration.files.isEmpty
                ? nil
                : try FileReceiver.open(
                    configuration.files, firstNumber: UInt16(configuration.listeners.count), positions: positions,
                    registry: registry, logger: log)
        } catch {
            throw StartFailure(description: "files: \(error)")
        }
        sensors = try configuration.sensors.enumerated().map { [names] number, source in
            do {
                return try SensorLane(
                    hub: hub, source: source, lane: configuration.lanes + number,
                    uidPrefix: Engine.uidPrefix(configuration, configuration.lanes + number), journal: journal,
                    outputs: outputs, names: names, log: log)
            } catch {
                throw StartFailure(description: "sensors: \(source.name): \(error)")
            }
        }
    }

    /// What comes before the number in the uids of a lane's events: site and lane; without a journal, whose numbers go
    /// on from start to start, also the start of the process.
    private static func uidPrefix(_ configuration: Configuration, _ lane: Int) -> String {
        let start = configuration.journal == nil ? "\(wallClock() / 1_000_000_000)/" : ""
        return "\(configuration.site)/\(lane)/\(start)"
    }

    private static func journal(
        _ configuration: Configuration, lanes: Int, _ registry: Registry, _ log: Logger
    ) throws -> Journal? {
        guard let wanted = configuration.journal else { return nil }
        let directory = configuration.journalDirectory
        try makeFolder(directory)
        do { return try Journal.open(wanted.settings(directory), logs: lanes, registry: registry, logger: log) } catch {
            throw StartFailure(description: "journal: \(error)")
        }
    }

    private static func makeFolder(_ path: String) throws {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            if mkdir(made, 0o750) != 0, errno != EEXIST {
                throw StartFailure(description: "\(path): cannot be made: \(String(cString: strerror(errno)))")
            }
        }
        if access(path, W_OK | X_OK) != 0 {
            throw StartFailure(
                description: "\(path): \(String(cString: strerror(errno))); the service must be able to write there")
        }
    }

    private static func feed(
        _ feed: Configuration.Feed, _ configuration: Configuration, _ registry: Registry, _ log: Logger
    ) throws -> FeedOutput {
        let complaints = Complaints()
        var format: FeedFormat?
        if feed.format != "ocsf" {
            let path = "mappings/feeds/\(feed.format).yaml"
            format = FeedFormat(Content.embedded(path), file: path, complaints: complaints)
        }
        guard complaints.errors.isEmpty, let (host, port) = Configuration.split(feed.address) else {
            throw StartFailure(description: complaints.all.map(\.description).joined(separator: "\n"))
        }
        let carrier: FeedSettings.Carrier
        do {
            carrier = try Engine.carrier(feed)
        } catch {
            throw StartFailure(description: "outputs.feeds: \(feed.name): \(error)")
        }
        var settings = FeedSettings(name: feed.name, host: host, port: UInt16(port), carrier: carrier)
        settings.framing = feed.framing == "lf" ? .lineFeed : .octetCounting
        settings.header = SyslogHeader(SyslogHeader.Form(rawValue: feed.header) ?? .rfc5424)
        settings.minimumSeverity = feed.minimumSeverity
        settings.queueBytes = feed.queueBytes
        return FeedOutput(
            settings, format: format, version: penstockVersion, registry: registry, log: log,
            checkpoint: Engine.checkpoint(feed.name, configuration, log))
    }

    private static func webhook(
        _ webhook: Configuration.Webhook, _ registry: Registry, _ log: Logger, _ outbox: Outbox
    ) throws -> WebhookOutput {
        var settings = WebhookSettings(name: webhook.name, url: webhook.url)
        settings.topic = webhook.topic
        settings.caFile = webhook.certificateAuthority
        do {
            if let key = webhook.signingKey {
                settings.signer = try SNSSigner(keyFile: key, certificateURL: webhook.signingCertificateURL ?? "")
            }
            let output = try WebhookOutput(settings, registry: registry, log: log) { outbox.note($0, $1) }
            outbox.add(webhook.name, output)
            return output
        } catch {
            throw StartFailure(description: "outputs.webhooks: \(webhook.name): \(error)")
        }
    }

    /// Starts all threads: outputs first, so that nothing received waits for them.
    func start() {
        uploader?.start()
        for feed in feeds { feed.start() }
        for webhook in webhooks { webhook.start() }
        outputThreads.withLock {
            $0.append(OutputThread("deliver") { [delivery] in delivery.run() })
            $0.append(OutputThread("correlate") { [correlation] in correlation.run() })
        }
        let sources = configuration.listeners.map(\.name) + configuration.files.map(\.name)
        threads.withLock { threads in
            for receiver in input.receivers {
                let log = journal?.log(receiver.lane)
                log?.onDurable = { receiver.wake() }
                if configuration.pipeline == .parse {
                    let lane = ParseLane(
                        hub: hub, receiver: receiver, sources: sources, files: lineFiles, log: log, logger: self.log)
                    threads.append(OutputThread("lane-\(receiver.lane)") { lane.run() })
                    continue
                }
                let lane = SyslogLane(
                    hub: hub, receiver: receiver, sources: sources, names: names,
                    uidPrefix: Engine.uidPrefix(configuration, receiver.lane), log: log,
                    recoveries: journal?.recoveries ?? [], outputs: outputs, logger: self.log)
                threads.append(OutputThread("lane-\(receiver.lane)") { lane.run() })
            }
            if let files {
                let number = configuration.lanes + configuration.sensors.count
                let lane = FileLane(
                    hub: hub, receiver: files, lane: number, sources: sources, names: names,
                    uidPrefix: Engine.uidPrefix(configuration, number),
                    log: journal?.log(number), recoveries: journal?.recoveries ?? [], outputs: outputs, logger: self.log
                )
                threads.append(OutputThread("files") { lane.run() })
            }
            if let journal, configuration.pipeline == .full {
                let catchUp = CatchUp(
                    hub: hub, outputs: outputs, journal: journal,
                    owned: 0..<configuration.logCount,
                    uidPrefix: { [configuration] in Engine.uidPrefix(configuration, $0) },
                    names: names, logger: log)
                threads.append(OutputThread("catch-up") { catchUp.run() })
            }
            for sensor in sensors { threads.append(OutputThread("sensor-\(sensor.name)") { sensor.run() }) }
        }
        state.withLock { $0 = nil }
    }

    /// Why the service is not ready, or nil when it is.
    var notReady: String? { state.withLock { $0 } }

    /// The addresses that listeners got, by name.
    var addresses: [String: String] {
        Dictionary(input.listeners.map { ($0.configuration.name, "\($0.address)") }, uniquingKeysWith: { a, _ in a })
    }

    /// Whether every capture file has been read to its end.
    var sensorsAreDone: Bool { sensors.allSatisfy(\.isDone) }

    /// Sets the gauges that are only worth reading at a scrape.
    func refreshGauges() {
        for (name, ring) in [("delivery", hub.finished.count), ("recycled", hub.recycled.count)] {
            hub.registry.gauge("penstock_ring_batches", ["ring": name], help: "Batches that wait between two stages.")
                .set(Int64(ring))
        }
        hub.registry.gauge("penstock_ring_batches", ["ring": "hits"], help: "Batches that wait between two stages.")
            .set(Int64(hub.hits.count))
        setIntelligenceGauges()
        clockGauges.set(hub.clocks, hub.registry)
    }

    /// What an operator who asks whether the service is ready should hear besides.
    var remarks: [String] { hub.clocks.remarks() }

    /// Loads mappings, rules, zones, threat intelligence and certificates anew; when anything is wrong the old ones stay.
    ///
    /// - Returns: what is wrong, or nothing.
    func reload() -> [String] {
        let faults = load()
        penstock_return_memory()
        countReload(refused: !faults.isEmpty)
        return faults
    }

    private func load() -> [String] {
        let complaints = Complaints()
        var next = configuration
        if let file = configuration.file {
            do {
                next = Configuration.parse(try Input.text(file), file: file, complaints: complaints)
            } catch { complaints.add(Complaint(file: file, "\(error)")) }
        }
        var loaded = next
        // What runs on with the old version cannot take events of another one.
        loaded.ocsfVersion = configuration.ocsfVersion
        let loading = Knowledge.load(loaded, complaints: complaints)
        guard complaints.errors.isEmpty else { return complaints.errors.map(\.description) }
        do { try input.reloadCertificates() } catch { return ["\(error)"] }
        for complaint in complaints.all { log.warning("\(complaint)") }
        hub.publish(loading.knowledge)
        let late = configuration.keysThatDiffer(from: next)
        if !late.isEmpty {
            log.warning(
                "\(late.joined(separator: ", ")): changed in the configuration, which takes a restart; the rest was reloaded"
            )
        }
        return []
    }

    /// Takes in what waits in the sockets, finishes every stage in order, and returns when all is written.
    func stop() {
        let first = state.withLock { state in
            defer { state = "stopping" }
            return state != "stopping"
        }
        guard first else { return }
        hub.stop()
        for receiver in input.receivers { receiver.wake() }
        files?.wake()
        for thread in threads.withLock({ $0 }) { thread.join() }
        hub.closeHits()
        let workers = outputThreads.withLock { $0 }
        workers.last?.join()
        hub.closeFinished()
        workers.first?.join()
        FeedOutput.stop(feeds)
        for webhook in webhooks { webhook.stop() }
        uploader?.stop()
        if let journal {
            delivery.settle()
            outputs.keep(in: journal)
            journal.close()
        }
        do { try store.close() } catch { log.error("the store did not close: \(error)") }
        let unfinished = hub.registry.dropped(stage: "incident", reason: "shutdown").current
        log.info(unfinished == 0 ? "stopped; everything received was processed" : "stopped")
    }
}
