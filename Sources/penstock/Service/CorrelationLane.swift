// SPDX-License-Identifier: Apache-2.0
internal import Correlator
internal import Delivery
internal import Events
internal import Incidents
internal import Instruments
internal import Inventory
internal import Journal
internal import Logging
internal import Normalizer
internal import Store
internal import Wire

/// The thread behind the ring of hits: it owns the correlator and the incident engine, and sends out what they make.
final class CorrelationLane: @unchecked Sendable {
    /// The most firings in one transaction.
    private static let portion = 64
    /// The most firings that wait for the store.
    private static let waitingLimit = 10_000
    private let hub: Hub
    private let store: StateStore?
    private let outbox: Outbox?
    private let uploader: ObjectUploader?
    private let journal: Journal?
    private let log: Logger
    private let onChange: @Sendable (IncidentChange) -> Void
    private var correlator: Correlator
    private var engine: IncidentEngine
    private var reader = EventReader()
    private var waiting: [Firing] = []
    private var lastComplaint: Int64 = 0
    /// When the next checkpoint may be made: they take a small part of the time.
    private var nextCheckpoint: Int64 = 0
    private let snapshotBytes: Instrument
    private var stopSeen: Int64 = 0
    private let settings: IncidentSettings
    /// What the service lost, and when: for the coverage of incidents.
    private let losses = LossLedger()
    private var lossesSeen: Int64 = 0
    /// The places of the newest checkpoint: without a new frame there is nothing new to keep.
    private var kept: [Int: UInt64] = [:]
    private let unstored: Instrument
    private let misread: Instrument
    private let incidents: Instrument
    private let firings: Instrument

    init(
        hub: Hub, settings: IncidentSettings, options: Correlator.Options, store: StateStore?, outbox: Outbox?,
        uploader: ObjectUploader?, journal: Journal?, log: Logger,
        onChange: @escaping @Sendable (IncidentChange) -> Void
    ) {
        self.hub = hub
        self.store = store
        self.outbox = outbox
        self.uploader = uploader
        self.journal = journal
        self.log = log
        self.onChange = onChange
        self.settings = settings
        let knowledge = hub.knowledge
        correlator = Correlator(plan: knowledge.correlation, options: options, registry: hub.registry)
        engine = IncidentEngine(
            settings: settings, knowledge: CorrelationLane.knowledge(knowledge, losses), store: store)
        snapshotBytes = hub.registry.gauge(
            "penstock_correlation_checkpoint_bytes", help: "The size of the newest checkpoint of windows.")
        unstored = hub.registry.counter(
            "penstock_incident_store_failures_total", help: "Failed attempts to store incidents; they are repeated.")
        misread = hub.registry.dropped(stage: "incident", reason: "finding_unreadable")
        incidents = hub.registry.counter("penstock_incident_revisions_total", help: "Revisions of incidents made.")
        firings = hub.registry.counter("penstock_firings_total", help: "Firings of rules, and their growth.")
    }

    /// What incidents know of the plant, of ATT&CK, and of what the service lost.
    private static func knowledge(_ knowledge: Knowledge, _ losses: LossLedger) -> IncidentKnowledge {
        let plant = knowledge.plant
        // Devices of one role in one zone: what was done to one of them may be done to the others next.
        var alike: [String: [IncidentRecord.OtherTarget]] = [:]
        for asset in plant.assets.values.sorted(by: { $0.name < $1.name }) {
            guard let zone = plant.zones.zone(of: asset.address).map({ plant.zones.zones[$0].name }) else { continue }
            let key = "\(zone)/\(asset.role)"
            guard alike[key, default: []].count < 64 else { continue }
            let reason = "\(asset.name): \(asset.role) of the same zone \(zone)"
            alike[key, default: []].append(.init(address: asset.address.description, reason: reason))
        }
        let peers = alike
        return IncidentKnowledge(
            catalog: knowledge.catalog, playbooks: knowledge.playbooks,
            asset: { text in
                guard let address = IPAddress(text) else { return nil }
                let asset = plant.assets[address]
                let zone = plant.zones.zone(of: address).map { plant.zones.zones[$0] }
                guard asset != nil || zone != nil else { return nil }
                return AssetFacts(
                    name: asset?.name, zone: zone?.name, level: zone?.level, criticality: asset?.criticality,
                    kind: asset?.role,
                    alike: (zone.flatMap { zone in asset.flatMap { peers["\(zone.name)/\($0.role)"] } } ?? [])
                        .filter { $0.address != address.description })
            }, losses: { losses.between($0, $1) })
    }

    /// Runs until the ring of hits is closed and empty, then ends what the correlator still holds back.
    func run() {
        let lag = hub.registry.gauge(
            "penstock_stage_lag_milliseconds", ["stage": "correlate"],
            help: "Time from receipt to the end of a stage, of the newest batch.")
        var generation = hub.knowledgeGeneration
        var nextLook: Int64 = 0
        var nextSettle: Int64 = 0
        var nextAnnouncement: Int64 = 0
        var reached: (places: [Int: UInt64], batches: Int)?
        var batches = 0
        var clock = ListeningClock(now: wallClock(), steady: steadyClock())
        while true {
            if hub.knowledgeGeneration != generation {
                generation = hub.knowledgeGeneration
                adopt(hub.knowledge)
            }
            // Windows whose time has come, and notifications that are due.
            if steadyClock() >= nextLook {
                take(correlator.advance(now: clock.now))
                noteLosses()
                if steadyClock() >= nextAnnouncement {
                    announce()
                    nextAnnouncement = steadyClock() + 1_000_000_000
                }
                outbox?.pump(now: wallClock())
                nextLook = steadyClock() + 250_000_000
            }
            if reached == nil, steadyClock() >= nextSettle { reached = (hub.matching.reached, batches) }
            // What was reported before stood in the ring then, and has been taken when as many batches have been.
            if let known = reached, batches - known.batches > hub.hits.capacity {
                settle(known.places)
                reached = nil
                nextSettle = steadyClock() + 1_000_000_000
            }
            if let hits = hub.hits.pop() {
                batches += 1
                clock.step(steady: steadyClock(), hits: true)
                take(correlator.accept(hits, now: clock.now))
                if let hit = hits.first { lag.set(max(0, (wallClock() &- hit.received) / 1_000_000)) }
                continue
            }
            // All hits before `reached` have been taken now.
            if let known = reached.take() {
                settle(known.places)
                nextSettle = steadyClock() + 1_000_000_000
            }
            clock.step(steady: steadyClock(), hits: false)
            if hub.hits.isDrained { break }
            hub.awaitHits(milliseconds: 100)
        }
        // Windows that are open at the stop are judged, and begin again from the journal at the next start: what they
        // fire has the same ids then.
        settle(hub.matching.reached, isLast: true)
        take(correlator.finish())
        // What the store refused until now gets a last chance.
        for _ in 0..<20 where !waiting.isEmpty {
            take([])
            if !waiting.isEmpty { sleepMilliseconds(100) }
        }
        if !waiting.isEmpty {
            hub.registry.dropped(stage: "incident", reason: "shutdown").add(waiting.count)
            log.error("\(waiting.count) firings were not made into incidents before the stop; the lake has them")
        }
        outbox?.pump(now: wallClock())
    }

    /// Goes on where the checkpoint was made; the frames behind it are read from the journal.
    func resume(_ checkpoint: CorrelationCheckpoint) {
        do {
            let changed = try checkpoint.restore(&correlator, now: wallClock())
            if !changed.isEmpty {
                log.notice("changed rules begin with empty windows: \(changed.joined(separator: ", "))")
            }
        } catch { log.error("the checkpoint of windows cannot be read, they begin empty: \(error)") }
    }

    /// Keeps the state of all windows with the place in the journal that it is exact for, and tells the journal which
    /// frames need not be read again at a start.
    private func settle(_ reached: [Int: UInt64], isLast: Bool = false) {
        guard let journal, waiting.isEmpty else { return }
        let start = steadyClock()
        guard isLast || (start >= nextCheckpoint && reached != kept) else { return }
        if let store {
            do {
                snapshotBytes.set(Int64(try CorrelationCheckpoint.keep(correlator, reached, in: store)))
            } catch {
                nextCheckpoint = steadyClock() + 5_000_000_000
                unstored.add()
                return
            }
            kept = reached
        }
        nextCheckpoint = steadyClock() + max(1_000_000_000, 30 * (steadyClock() - start))
        for (log, next) in reached { journal.setPosition(next, consumer: Outputs.incidents, log: log) }
    }

    private func adopt(_ knowledge: Knowledge) {
        let lost = correlator.reload(knowledge.correlation, registry: hub.registry)
        if !lost.isEmpty { log.notice("changed rules begin with empty windows: \(lost.joined(separator: ", "))") }
        engine = IncidentEngine(
            settings: settings, knowledge: CorrelationLane.knowledge(knowledge, losses), store: store)
    }

    /// Makes incidents of firings, some at a time so that a flood is no single transaction; while the store refuses, they
    /// wait here and are tried again.
    private func take(_ new: [Firing]) {
        firings.add(new.count)
        waiting += new
        var done = 0
        while done < waiting.count {
            if hub.isStopping, steadyClock() > stopLimit { break }
            let part = Array(waiting[done..<min(done + CorrelationLane.portion, waiting.count)])
            let changes: [IncidentChange]
            do {
                changes = try engine.accept(part)
            } catch {
                refused(error, waiting.count - done)
                break
            }
            done += part.count
            incidents.add(changes.count)
            // Of several revisions of one incident in one go, only the last is worth an object.
            var newest: [String: Int] = [:]
            for change in changes { newest[change.record.id] = change.record.revision }
            for change in changes { send(change, isNewest: newest[change.record.id] == change.record.revision) }
        }
        waiting.removeFirst(done)
        if done > 0 { outbox?.pump(now: wallClock()) }
    }

    /// A store that stays away must not cost all memory: what is given up of the last `open` firings is counted, its
    /// events are in the lake.
    private func refused(_ error: any Error, _ open: Int) {
        unstored.add()
        let excess = open - CorrelationLane.waitingLimit
        if excess > 0 {
            hub.registry.dropped(stage: "incident", reason: "store_unavailable").add(excess)
            waiting.removeLast(excess)
        }
        if lastComplaint == 0 || steadyClock() - lastComplaint > 60_000_000_000 {
            lastComplaint = steadyClock()
            log.error("incidents wait in memory, the store refuses them: \(error)")
        }
    }

    /// The time after which a stop no longer waits for incidents: 20 s after its order was first seen here.
    private var stopLimit: Int64 {
        if stopSeen == 0 { stopSeen = steadyClock() }
        return stopSeen + 20_000_000_000
    }

    /// The stages whose losses may hide events from incidents.
    private static let lossyStages: Set<String> = [
        "receive", "file", "capture", "sensor", "lane", "journal", "join", "normalize", "correlate",
    ]

    /// Takes a reading of what was lost up to here.
    private func noteLosses() {
        let total = hub.registry.total("penstock_dropped_total")
        guard total != lossesSeen else { return losses.read([], at: wallClock()) }
        lossesSeen = total
        let readings = hub.registry.members(of: "penstock_dropped_total").compactMap {
            member -> (what: String, source: String, total: Int)? in
            // stage="receive",reason="too_long"
            let parts = member.labels.split(separator: "\"", omittingEmptySubsequences: false)
            guard parts.count >= 4, CorrelationLane.lossyStages.contains(String(parts[1])) else { return nil }
            // Evidence that is not kept is said of the detections that lack it.
            guard parts[3] != "evidence_limit" else { return nil }
            return ("\(parts[1]) \(parts[3])", "", Int(member.value))
        }
        losses.read(readings, at: wallClock())
    }

    /// Sends out what analysts did with `penstock incident`, which are other processes.
    private func announce() {
        do { try engine.announce { send($0, isNewest: true) } } catch { refused(error, waiting.count) }
    }

    private func send(_ change: IncidentChange, isNewest: Bool) {
        if isNewest { uploader?.submit(LakeObject(key: change.objectKey, mode: .replace, bytes: change.json)) }
        for (sha256, evidence) in change.evidence {
            uploader?.submit(LakeObject(key: "evidence/\(sha256)", mode: .once, bytes: evidence.bytes))
        }
        let knowledge = hub.knowledge
        var batch = hub.emptyBatch(knowledge.mappings.table, lane: -1)
        for finding in change.detectionFindings + (isNewest ? [change.incidentFinding] : []) {
            let outcome = reader.read(finding.span.bytes, mapping: knowledge.ownMapping, into: &batch)
            if outcome == nil || outcome?.unknown != 0 { misread.add() }
        }
        hub.deliver(batch)
        if isNewest { onChange(change) }
    }
}
