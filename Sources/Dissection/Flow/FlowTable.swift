// SPDX-License-Identifier: Apache-2.0

/// The flows by key, bounded, in the order of their last packet.
struct FlowTable {
    private static let none: Int32 = -1

    private let limit: Int
    private var index: [FlowKey: Int32] = [:]
    private var flows: [Flow?] = []
    private var newer: [Int32] = []
    private var older: [Int32] = []
    private var generations: [UInt32] = []
    private var free: [Int32] = []
    private var newest = none
    private var oldest = none

    init(limit: Int) { self.limit = max(1, min(limit, Int(Int32.max))) }

    var count: Int { index.count }
    var isFull: Bool { index.count >= limit }

    /// The flow of `key`, or nil.
    func find(_ key: FlowKey) -> Flow? {
        guard let slot = index[key] else { return nil }
        return flows[Int(slot)]
    }

    /// The flow that a timer entry names, or nil when it is gone.
    func find(_ entry: TimerWheel.Entry) -> Flow? {
        guard let flow = flows[Int(entry.slot)], flow.generation == entry.generation else { return nil }
        return flow
    }

    /// The flow without a packet for the longest time.
    var leastRecent: Flow? { oldest == FlowTable.none ? nil : flows[Int(oldest)] }

    /// Makes the flow of `key`, which has none.
    mutating func add(_ key: FlowKey, _ make: (_ slot: Int32, _ generation: UInt32) -> Flow) -> Flow {
        let slot: Int32
        if let reused = free.popLast() {
            slot = reused
        } else {
            slot = Int32(flows.count)
            flows.append(nil)
            newer.append(FlowTable.none)
            older.append(FlowTable.none)
            generations.append(0)
        }
        generations[Int(slot)] &+= 1
        let flow = make(slot, generations[Int(slot)])
        flows[Int(slot)] = flow
        index[key] = slot
        link(slot)
        return flow
    }

    /// Notes that a packet of `flow` came.
    mutating func touch(_ flow: Flow) {
        guard newest != flow.slot else { return }
        unlink(flow.slot)
        link(flow.slot)
    }

    /// Takes `flow` out.
    mutating func remove(_ flow: Flow) {
        guard flows[Int(flow.slot)] === flow else { return }
        unlink(flow.slot)
        index[flow.key] = nil
        flows[Int(flow.slot)] = nil
        free.append(flow.slot)
    }

    private mutating func link(_ slot: Int32) {
        older[Int(slot)] = newest
        newer[Int(slot)] = FlowTable.none
        if newest != FlowTable.none { newer[Int(newest)] = slot } else { oldest = slot }
        newest = slot
    }

    private mutating func unlink(_ slot: Int32) {
        let after = newer[Int(slot)]
        let before = older[Int(slot)]
        if after != FlowTable.none { older[Int(after)] = before } else { newest = before }
        if before != FlowTable.none { newer[Int(before)] = after } else { oldest = after }
    }
}
