// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Foundation
import Sigma
import Testing

/// Log sources and field names that rules use, over events in OCSF: the tables in `mappings/sigma/`.
struct TaxonomyTests {
    static let shipped = load(Complaints())

    private static func load(_ complaints: Complaints) -> Taxonomy {
        let folder = Cases.root.appendingPathComponent("mappings/sigma")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return Taxonomy.parse(
            files: names.filter { $0.hasSuffix(".yaml") }.sorted().map {
                ($0, (try? String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)) ?? "")
            }, complaints: complaints)
    }

    private static let table = """
        name: t
        sources:
          - logsource: {product: p}
            fields: {Id: metadata.event_code, Name: actor.user.name}
          - logsource: {product: p, category: start}
            when: {class_uid: 1007, metadata.event_code: [1, 4688]}
            fields: {Image: process.path, Name: [process.user.name, process.name]}
          - logsource: {product: q, category: start}
            when: {class_uid: 1007, metadata.event_code: 9}
            fields: {Image: process.file.path}
          - logsource: {product: p, category: net}
            when: {class_uid: 4001}
            fields:
              Initiated: {path: connection_info.direction_id, values: {1: "false", 2: "true"}}
          - {logsource: {service: all}, from: [p]}
        """

    private static func rule(_ logSource: String, _ selection: String, _ id: Int = 1) -> String {
        """
        title: r\(id)
        id: \(String(format: "%08d", id))-1111-4111-8111-111111111111
        logsource: \(logSource)
        detection:
          s: \(selection)
          condition: s
        """
    }

    /// How many rules match, over JSON and over a batch, whether or not the table has a field for each path.
    private static func count(
        _ set: RuleSet, _ event: String, products: Set<String> = ["ocsf", "p"], classUID: Int
    ) throws -> Int {
        let candidates = set.candidates(for: LogSources(products: products), classUID: classUID)
        let bytes = Array(event.utf8)
        let found = try Cases.matches(set, bytes, candidates)
        #expect(try Cases.batchMatches(set, bytes, candidates: candidates) == found, "\(event)")
        #expect(try Cases.batchMatches(set, bytes, paths: set.fields, candidates: candidates) == found, "\(event)")
        return found.count
    }

    @Test(arguments: [
        // The condition of the log source, and the places of the field.
        (
            "{product: p, category: start}", "{Image: x}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"path":"X"}}"#, 1
        ),
        (
            "{product: p, category: start}", "{Image: x}",
            #"{"class_uid":1007,"metadata":{"event_code":"2"},"process":{"path":"X"}}"#, 0
        ),
        (
            "{product: p, category: start}", "{Image: x}",
            #"{"class_uid":1007,"metadata":{"event_code":"9"},"process":{"file":{"path":"X"}}}"#, 0
        ),
        (
            "{category: start}", "{Image: x}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"path":"X"}}"#, 1
        ),
        (
            "{category: start}", "{Image: y}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"path":"X"}}"#, 0
        ),
        // What the mapping left in `unmapped`, and what several places say.
        (
            "{product: p, category: start}", "{Other: x}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"unmapped":{"Other":"X"}}"#, 1
        ),
        (
            "{product: p, category: start}", "{Name: x}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"name":"x"}}"#, 1
        ),
        (
            "{product: p, category: start}", "{Name: x}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"actor":{"user":{"name":"x"}}}"#, 0
        ),
        ("{product: p, category: start}", "{Name: null}", #"{"class_uid":1007,"metadata":{"event_code":"1"}}"#, 1),
        (
            "{product: p, category: start}", "{Name: null}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"user":{"name":"x"}}}"#, 0
        ),
        // What is said of the product holds for its log sources.
        ("{product: p, category: start}", "{Id: 1}", #"{"class_uid":1007,"metadata":{"event_code":"1"}}"#, 1),
        (
            "{product: p}", "{Name: x}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"actor":{"user":{"name":"x"}}}"#, 1
        ),
        // Values in the rule's words; what has none says nothing.
        (
            "{product: p, category: net}", "{Initiated: 'true'}",
            #"{"class_uid":4001,"connection_info":{"direction_id":2}}"#, 1
        ),
        (
            "{product: p, category: net}", "{Initiated: 'false'}",
            #"{"class_uid":4001,"connection_info":{"direction_id":2}}"#, 0
        ),
        (
            "{product: p, category: net}", "{Initiated|exists: true}",
            #"{"class_uid":4001,"connection_info":{"direction_id":0}}"#, 0
        ),
        // All events of a mapping; a log source that nothing answers.
        ("{service: all}", "{unmapped.x: 1}", #"{"class_uid":3002,"unmapped":{"x":1}}"#, 1),
        ("{service: none}", "{unmapped.x: 1}", #"{"class_uid":3002,"unmapped":{"x":1}}"#, 0),
        // Keywords, and paths of OCSF.
        (
            "{product: p, category: start}", "[needle]",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"path":"a needle"}}"#, 1
        ),
        (
            "{product: p, category: start}", "{process.path: x}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"path":"x"}}"#, 1
        ),
        (
            "{product: p, category: start}", "{Image|fieldref: Name}",
            #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"path":"x","name":"X"}}"#, 1
        ),
    ])
    func table(_ logSource: String, _ selection: String, _ event: String, _ expected: Int) throws {
        let complaints = Complaints()
        let taxonomy = Taxonomy.parse(files: [("t.yaml", TaxonomyTests.table)], complaints: complaints)
        let set = RuleSet.parse(
            files: [("r.yml", TaxonomyTests.rule(logSource, selection))], taxonomy: taxonomy, complaints: complaints)
        #expect(complaints.all.isEmpty, "\(complaints.all)")
        let uid = Int(event.split(separator: ":")[1].split(separator: ",")[0]) ?? 0
        #expect(try TaxonomyTests.count(set, event, classUID: uid) == expected)
    }

    /// Events of another product's mapping are not asked; those that no mapping made may be of any.
    @Test func products() throws {
        let taxonomy = Taxonomy.parse(files: [("t.yaml", TaxonomyTests.table)], complaints: Complaints())
        let set = RuleSet.parse(
            files: [("r.yml", TaxonomyTests.rule("{product: p, category: start}", "{Image: x}"))], taxonomy: taxonomy,
            complaints: Complaints())
        let event = #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"path":"X"}}"#
        #expect(try TaxonomyTests.count(set, event, products: ["ocsf", "p"], classUID: 1007) == 1)
        #expect(try TaxonomyTests.count(set, event, products: ["ocsf", "q"], classUID: 1007) == 0)
        #expect(try TaxonomyTests.count(set, event, products: ["ocsf"], classUID: 1007) == 1)
        #expect(set.candidates(for: LogSources(products: ["p"]), classUID: 4001).count == 0)
        #expect(set.paths(of: "Image", in: set.rules[0].id) == ["unmapped.Image", "process.path", "Image"])
        #expect(set.unreachable(from: [LogSources(products: ["ocsf", "p"])]).isEmpty)
        #expect(set.unreachable(from: [LogSources(products: ["ocsf", "q"])]).count == 1)
        let complaints = Complaints()
        set.review(from: [LogSources(products: ["ocsf", "q"])], complaints: complaints)
        #expect(
            complaints.all.map(\.description) == [
                "r.yml:1:1: warning: no source reaches rule 'r1' (product p, category start)"
            ])
    }

    /// A filter's fields stand where those of the rule stand that it is applied to.
    @Test func filters() throws {
        let taxonomy = Taxonomy.parse(files: [("t.yaml", TaxonomyTests.table)], complaints: Complaints())
        let filter = "title: F\nlogsource: {product: p}\nfilter: {rules: any, f: {Image: quiet}, condition: f}"
        let complaints = Complaints()
        let set = RuleSet.parse(
            files: [("r.yml", TaxonomyTests.rule("{product: p, category: start}", "{Id: 1}") + "\n---\n" + filter)],
            taxonomy: taxonomy, complaints: complaints)
        #expect(complaints.all.isEmpty, "\(complaints.all)")
        for (path, expected) in [("quiet", 0), ("loud", 1)] {
            let event = #"{"class_uid":1007,"metadata":{"event_code":"1"},"process":{"path":"\#(path)"}}"#
            #expect(try TaxonomyTests.count(set, event, classUID: 1007) == expected)
        }
    }

    /// Faults of a table have their places.
    @Test(arguments: [
        ("sources: []", 2), ("sources: [{fields: {a: b}}]", 2), ("sources: [{logsource: {}}]", 2),
        ("sources: [{logsource: {product: p}, fields: [x]}]", 2),
        ("sources: [{logsource: {product: p}, fields: {a: {path: b}}}]", 2),
        ("sources: [{logsource: {product: p}, fields: {a: {path: b, values: {}}}}]", 2), ("other: 1", 1),
    ])
    func faults(_ text: String, _ line: Int) {
        let complaints = Complaints()
        _ = Taxonomy.parse(files: [("t.yaml", "name: t\n" + text)], complaints: complaints)
        #expect(!complaints.errors.isEmpty)
        #expect(complaints.errors.allSatisfy { $0.file == "t.yaml" && $0.line >= line && $0.column > 0 })
        // A condition is a selection: its faults are told when rules are loaded with it.
        let broken = Complaints()
        let taxonomy = Taxonomy.parse(
            files: [("t.yaml", "sources: [{logsource: {product: p}, when: {a|nothing: b}}]")], complaints: broken)
        _ = RuleSet.parse(
            files: [("r.yml", TaxonomyTests.rule("{product: p}", "{a: b}"))], taxonomy: taxonomy, complaints: broken)
        #expect(broken.errors.count == 1)
    }

    @Test func shippedTables() {
        let complaints = Complaints()
        let taxonomy = TaxonomyTests.load(complaints)
        let set = RuleSet.parse(
            files: [("r.yml", TaxonomyTests.rule("{product: windows, category: process_creation}", "{Image: x}"))],
            taxonomy: taxonomy, complaints: complaints)
        #expect(complaints.all.isEmpty, "\(complaints.all)")
        #expect(set.paths(of: "CommandLine", in: set.rules[0].id).contains("process.cmd_line"))
        #expect(set.paths(of: "EventID", in: set.rules[0].id).contains("metadata.event_code"))
    }

    /// Events as the shipped mappings make them of lines, and rules as people write them for those sources.
    @Test(arguments: [
        (
            "windows",
            #"{"class_uid":1007,"activity_id":1,"metadata":{"event_code":"1","log_name":"Microsoft-Windows-Sysmon/Operational"},"process":{"path":"C:\\Windows\\System32\\cmd.exe","cmd_line":"cmd /c whoami","parent_process":{"path":"C:\\x.exe"}},"unmapped":{"User":"NT AUTHORITY\\SYSTEM","Hashes":"MD5=A,IMPHASH=B"}}"#,
            ["{product: windows, category: process_creation}", "{category: process_creation}"],
            [
                #"{Image|endswith: '\cmd.exe', CommandLine|contains: whoami, ParentImage: 'C:\x.exe', Hashes|contains: IMPHASH=B, User|contains: AUTHORI}"#
            ]
        ),
        (
            "windows",
            #"{"class_uid":1007,"activity_id":1,"metadata":{"event_code":"4688","log_name":"Security"},"actor":{"user":{"name":"eng"}},"process":{"path":"C:\\Windows\\System32\\cmd.exe"},"unmapped":{"windows":{"source":"security"}}}"#,
            ["{product: windows, category: process_creation}", "{product: windows, service: security}"],
            [#"{EventID: 4688}"#, #"{NewProcessName|endswith: '\cmd.exe'}"#, "{SubjectUserName: eng}"]
        ),
        (
            "windows",
            #"{"class_uid":3002,"logon_type_id":10,"metadata":{"event_code":"4624","log_name":"Security"},"user":{"name":"eng"},"src_endpoint":{"ip":"192.0.2.44"}}"#,
            ["{product: windows, service: security}"],
            ["{EventID: 4624, LogonType: 10, TargetUserName: eng, IpAddress|cidr: 192.0.2.0/24}"]
        ),
        (
            "windows",
            #"{"class_uid":201004,"metadata":{"event_code":"7045","log_name":"System","log_provider":"Service Control Manager"},"win_service":{"name":"x","cmd_line":"C:\\Temp\\x.exe"}}"#,
            ["{product: windows, service: system}"],
            [#"{Provider_Name: 'Service Control Manager', EventID: 7045, ImagePath|contains: '\Temp\'}"#]
        ),
        (
            "windows",
            #"{"class_uid":201002,"activity_id":2,"type_uid":20100202,"metadata":{"event_code":"13","log_name":"Microsoft-Windows-Sysmon/Operational"},"reg_value":{"path":"HKLM\\a\\Run\\b","data":"x"}}"#,
            ["{product: windows, category: registry_set}", "{product: windows, category: registry_event}"],
            [#"{TargetObject|contains: '\Run\', Details: x, EventType: SetValue}"#]
        ),
        (
            "windows",
            #"{"class_uid":4001,"metadata":{"event_code":"3","log_name":"Microsoft-Windows-Sysmon/Operational"},"connection_info":{"direction_id":2},"dst_endpoint":{"ip":"203.0.113.9","port":4444},"actor":{"process":{"path":"C:\\x.exe"}}}"#,
            ["{product: windows, category: network_connection}", "{category: network_connection}"],
            ["{Initiated: 'true', DestinationPort: 4444, Image|endswith: x.exe}"]
        ),
        (
            "windows",
            #"{"class_uid":1009,"metadata":{"event_code":"4104","log_name":"Microsoft-Windows-PowerShell/Operational"},"script":{"script_content":{"value":"Invoke-Mimikatz"}}}"#,
            ["{product: windows, category: ps_script}"], ["{ScriptBlockText|contains: mimikatz}"]
        ),
        (
            "nginx",
            #"{"class_uid":4002,"connection_info":{"direction_id":1},"http_request":{"http_method":"GET","url":{"url_string":"/a?b=../../etc/passwd","path":"/a","query_string":"b=../../etc/passwd"},"user_agent":"sqlmap"},"http_response":{"code":200}}"#,
            ["{category: webserver}"],
            ["{cs-method: GET, cs-uri-query|contains: ../../, cs-user-agent: sqlmap, sc-status: 200, cs-uri-stem: /a}"]
        ),
        (
            "squid",
            #"{"class_uid":4002,"connection_info":{"direction_id":2},"http_request":{"url":{"url_string":"http://x.test/a.exe"},"user_agent":"curl"}}"#,
            ["{category: proxy}"], ["{c-uri|endswith: .exe, c-useragent: curl}"]
        ),
        (
            "bind", #"{"class_uid":4003,"query":{"hostname":"x.test","type":"TXT"}}"#, ["{category: dns}"],
            ["{query: x.test, record_type: TXT}"]
        ),
        (
            "zeek",
            #"{"class_uid":4002,"metadata":{"log_name":"http"},"http_request":{"url":{"url_string":"/x"}},"src_endpoint":{"ip":"192.0.2.1"}}"#,
            ["{product: zeek, service: http}"], ["{uri: /x, id.orig_h: 192.0.2.1}"]
        ),
        (
            "linux",
            #"{"class_uid":1007,"activity_id":1,"activity_name":"execve","metadata":{"event_code":"SYSCALL","product":{"name":"auditd"}},"process":{"path":"/usr/bin/nc"},"unmapped":{"a1":"-e"}}"#,
            ["{product: linux, service: auditd}"], ["{type: SYSCALL, SYSCALL: execve, a1: '-e', exe|endswith: /nc}"]
        ),
        (
            "aws",
            #"{"class_uid":6003,"cloud":{"provider":"AWS"},"api":{"operation":"StopLogging","service":{"name":"cloudtrail.amazonaws.com"}}}"#,
            ["{product: aws, service: cloudtrail}"], ["{eventSource: cloudtrail.amazonaws.com, eventName: StopLogging}"]
        ),
    ])
    func sources(_ product: String, _ event: String, _ logSources: [String], _ selections: [String]) throws {
        let uid = Int(event.split(separator: ":")[1].split(separator: ",")[0]) ?? 0
        for logSource in logSources {
            for selection in selections {
                let complaints = Complaints()
                let set = RuleSet.parse(
                    files: [("r.yml", TaxonomyTests.rule(logSource, selection))],
                    taxonomy: TaxonomyTests.shipped, complaints: complaints)
                #expect(complaints.all.isEmpty, "\(complaints.all)")
                #expect(
                    try TaxonomyTests.count(set, event, products: ["ocsf", product], classUID: uid) == 1,
                    "\(logSource): \(selection)")
            }
        }
    }
}
