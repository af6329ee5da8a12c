// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Normalizer
import Testing

/// `observables:` tells values of an event again, each with the number that OCSF gives to its type.
struct ObservableTests {
    private static func mapping(_ observables: String, common: String = "") -> String {
        """
        name: demo
        match: [{program: demo}]
        parse: [{kv: true}]
        common: {device_type_id: 9\(common)}
        events:
          - when: {src: {exists: true}}
            class: network_activity
            activity_id: 6
            \(observables)
            map:
              src_endpoint.ip: src
              src_endpoint.port: sport
              src_endpoint.hostname: shost
              dst_endpoint.ip: dst
              actor.user.name: user
              message: text
          - class: base_event
            activity_id: 0
            map: {message: syslog.message}
        """
    }

    private static func complaints(_ text: String) -> [String] {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        _ = MappingSet.read([("m.yaml", text)], builder: &builder, complaints: complaints)
        return complaints.all.map(\.description)
    }

    @Test func areWhatTheEventHas() throws {
        let list = "observables: [src_endpoint.ip, src_endpoint.port, dst_endpoint.ip, actor.user.name]"
        var bench = try Bench(ObservableTests.mapping(list))
        let row = bench.take("<134>Nov 21 10:00:01 gate demo: src=10.1.1.5 sport=4711 user=\"j doe\"")
        let json = String(decoding: bench.json(row), as: UTF8.self)
        let wanted =
            #""observables":[{"name":"src_endpoint.ip","type":"IP Address","type_id":2,"value":"10.1.1.5"},"#
            + #"{"name":"src_endpoint.port","type":"Port","type_id":11,"value":"4711"},"#
            + #"{"name":"actor.user.name","type":"User Name","type_id":4,"value":"j doe"}]"#
        #expect(json.contains(wanted), "\(json)")
        #expect(EventValidator(bench.set.table.dictionary).faults(bench.json(row)) == [])
        // Nothing of them, nothing in the list.
        let other = bench.take("<134>Nov 21 10:00:01 gate demo: a=b")
        #expect(!String(decoding: bench.json(other), as: UTF8.self).contains("observables"))
    }

    @Test func thoseInCommonAreForWhoHasThem() throws {
        let text = ObservableTests.mapping("", common: ", observables: [dst_endpoint.ip, src_endpoint.hostname]")
        #expect(ObservableTests.complaints(text) == [])
        var bench = try Bench(text)
        let row = bench.take("<134>Nov 21 10:00:01 gate demo: src=10.1.1.5 shost=ws1 dst=192.0.2.7")
        #expect(bench.batch.text("observables.value", in: row) == "192.0.2.7")
        #expect(String(decoding: bench.json(row), as: UTF8.self).contains(#""type_id":1,"value":"ws1""#))
        #expect(EventValidator(bench.set.table.dictionary).faults(bench.json(row)) == [])
    }

    @Test func inTheOlderVersionToo() throws {
        var bench = try Bench(
            ObservableTests.mapping("observables: [src_endpoint.ip, actor.user.name]"), of: .v1_1_0)
        let row = bench.take("<134>Nov 21 10:00:01 gate demo: src=10.1.1.5 dst=192.0.2.7 user=joe")
        #expect(bench.batch.text("observables.value", in: row) == "10.1.1.5")
        #expect(EventValidator(bench.set.table.dictionary).faults(bench.json(row)) == [])
    }

    @Test(arguments: [
        ("observables: [src_endpoint.mac]", "no line of this event maps 'src_endpoint.mac'"),
        ("observables: [message]", "'message' is no observable"),
    ])
    func faults(_ line: String, _ message: String) {
        #expect(ObservableTests.complaints(ObservableTests.mapping(line)).contains { $0.contains(message) })
    }

    @Test func commonOnesThatNobodyHas() {
        let told = ObservableTests.complaints(ObservableTests.mapping("", common: ", observables: [url.hostname]"))
        #expect(told.contains { $0.contains("no event of this mapping maps 'url.hostname'") })
    }
}
