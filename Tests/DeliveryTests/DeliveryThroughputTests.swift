// SPDX-License-Identifier: Apache-2.0
import Delivery
import Events
import Foundation
import Instruments
import Logging
import Testing
import Wire

/// What an event costs each output, on this machine; printed, and bounded only against a gross mistake.
@Suite(.serialized) struct DeliveryThroughputTests {
    private static let rounds = 100
    private static let size = 256

    private func events() throws -> Batch {
        try batch(
            (0..<Self.size).map { number in
                #"{"activity_id":6,"activity_name":"Traffic","category_name":"Network Activity","category_uid":4,"class_name":"Network Activity","class_uid":4001,"connection_info":{"direction":"Inbound","direction_id":1,"protocol_name":"tcp","protocol_num":6},"disposition":"Blocked","disposition_id":2,"dst_endpoint":{"ip":"172.21.0.\#(number % 50)","port":\#([502, 443, 22, 102][number % 4])},"message":"Deny tcp src outside:172.24.0.\#(number)/4711 dst inside:172.21.0.\#(number % 50)/502","metadata":{"event_code":"106023","log_name":"firewall","logged_time":1767323045\#(100 + number),"product":{"name":"ASA","vendor_name":"Cisco"},"profiles":["host","security_control"],"uid":"plant/0/1767323045/\#(100_000 + number)","version":"1.8.0"},"raw_data":"<166>Jan  2 03:04:05 fw1 : %ASA-4-106023: Deny tcp src outside:172.24.0.\#(number)/4711 dst inside:172.21.0.\#(number % 50)/502 by access-group \"outside_in\" [0x0, 0x0]","severity":"Medium","severity_id":3,"src_endpoint":{"ip":"172.24.0.\#(number)","port":4711},"status":"Failure","status_id":2,"time":1767323045\#(100 + number),"type_name":"Network Activity: Traffic","type_uid":400106,"unmapped":{"access_group":"outside_in"}}"#
            })
    }

    private func measure(_ name: String, _ body: () throws -> Void) rethrows -> Double {
        var begun = timespec()
        var ended = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun)
        try body()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ended)
        let nanoseconds = Double(ended.tv_sec - begun.tv_sec) * 1e9 + Double(ended.tv_nsec - begun.tv_nsec)
        let each = nanoseconds / Double(Self.rounds * Self.size)
        print("\(name): \(Int(each)) ns of processor time an event of about 30 attributes")
        return each
    }

    @Test func lake() throws {
        let events = try events()
        var bytes = 0
        let writer = LakeWriter(LakeSettings(), registry: Registry(), log: LogBook().logger()) { bytes += $0.byteCount }
        let each = measure("lake (shredded, encoded, zstd)") {
            for _ in 0..<Self.rounds { writer.append(events) }
            writer.flush()
        }
        #expect(bytes > 0)
        #expect(each < 1_000_000)
    }

    @Test(arguments: ["cef", "leef"]) func feed(name: String) throws {
        let events = try events()
        var formatter = FeedFormatter(try feedFormat(name), version: "1")
        var slab = Slab(capacity: 1 << 20)
        let each = measure(name) {
            for _ in 0..<Self.rounds {
                slab.reset()
                for row in events.rows.indices { formatter.append(row, of: events, to: &slab) }
            }
        }
        #expect(slab.count > Self.size * 400)
        #expect(each < 1_000_000)
    }
}
