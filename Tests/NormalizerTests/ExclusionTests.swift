// SPDX-License-Identifier: Apache-2.0
import Documents
import Events
import Normalizer
import Testing

/// Attributes of which OCSF takes just one (`just_one` of its constraints).
struct ExclusionTests {
    private static func mapping(_ lines: String) -> String {
        """
        name: demo
        match: [{regex: '.'}]
        parse: [{kv: true}]
        events:
          - class: vulnerability_finding
            activity_id: Create
            map:
              finding_info.uid: id
              finding_info.title: id
              vulnerabilities.title: {from: title, default: t}
              \(lines.replacing("\n", with: "\n      "))
        """
    }

    private func vulnerability(
        _ lines: String, _ line: String, _ dictionary: OCSFDictionary = .v1_8_0
    ) throws -> (members: [String: Any], unmapped: [String: Any], classUID: Int32) {
        var bench = try Bench(ExclusionTests.mapping(lines), of: dictionary)
        let row = bench.take(line)
        let object = try bench.object(row)
        return (
            (object["vulnerabilities"] as? [[String: Any]])?.first ?? [:], object["unmapped"] as? [String: Any] ?? [:],
            bench.batch.rows[row].classUID
        )
    }

    private static let all =
        "vulnerabilities.cve.uid: cve\nvulnerabilities.cwe.uid: cwe\nvulnerabilities.advisory.uid: adv"

    /// Of several the first line's stays; what the others were made of is kept beside.
    @Test(
        arguments: [
            ("cve=c", ["cve"], [:]), ("cwe=w", ["cwe"], [:]), ("adv=a", ["advisory"], [:]),
            ("cve=c cwe=w", ["cve"], ["cwe": "w"]), ("adv=a cwe=w", ["cwe"], ["adv": "a"]),
            ("adv=a cwe=w cve=c", ["cve"], ["adv": "a", "cwe": "w"]),
        ] as [(String, [String], [String: String])])
    func oneStays(_ pairs: String, _ left: [String], _ beside: [String: String]) throws {
        let found = try vulnerability(ExclusionTests.all, "id=1 title=t " + pairs)
        #expect(found.classUID == 2002 && Set(found.members.keys) == Set(left + ["title"]), "\(found)")
        for name in ["cve", "cwe", "adv"] { #expect(found.unmapped[name] as? String == beside[name], "\(found)") }
    }

    /// What the schema would not take anyhow displaces nothing.
    @Test func incompleteIsNone() throws {
        let lines = "vulnerabilities.cve.desc: text\nvulnerabilities.cve.uid: cve\nvulnerabilities.cwe.uid: cwe"
        let found = try vulnerability(lines, "id=1 title=t text=long cwe=w")
        #expect(found.classUID == 2002 && Set(found.members.keys) == ["cwe", "title"], "\(found)")
        #expect(found.unmapped["text"] as? String == "long")
    }

    /// A class that excludes attributes, in both versions.
    @Test(arguments: [OCSFDictionary.v1_8_0, .v1_1_0])
    func ofEvents(_ dictionary: OCSFDictionary) throws {
        let mapping = """
            name: demo
            match: [{regex: '.'}]
            parse: [{kv: true}]
            events:
              - class: authorize_session
                activity_id: Assign Privileges
                map: {user.name: user, privileges: {from: rights, split: ','}, group.name: group}
            """
        var bench = try Bench(mapping, of: dictionary)
        let both = try bench.object(bench.take("user=u rights=a,b group=g"))
        #expect(
            both["class_uid"] as? Int == 3003 && both["privileges"] as? [String] == ["a", "b"] && both["group"] == nil)
        #expect((both["unmapped"] as? [String: Any])?["group"] as? String == "g")
        let one = try bench.object(bench.take("user=u group=g"))
        #expect(one["class_uid"] as? Int == 3003 && (one["group"] as? [String: Any])?["name"] as? String == "g")
        let none = try bench.object(bench.take("user=u"))
        #expect(none["class_uid"] as? Int == 0)
    }

    /// Two that are always written are a fault of the mapping.
    @Test(arguments: [
        ("vulnerabilities.cve.uid: {value: c}\nvulnerabilities.cwe.uid: {value: w}", true),
        ("vulnerabilities.cve.uid: {from: cve, value: c}\nvulnerabilities.cwe.uid: {from: x, value: w}", true),
        ("vulnerabilities.cve.uid: cve\nvulnerabilities.cwe.uid: {value: w}", false),
        ("vulnerabilities.cve.uid: {value: c}\nvulnerabilities.cve.desc: {value: d}", false),
        ("vulnerabilities.cve.uid: {default: c}\nvulnerabilities.cwe.uid: {value: w}", false),
    ])
    func written(_ lines: String, _ isFault: Bool) throws {
        let complaints = Complaints()
        var builder = FieldTable.Builder()
        let drafts = MappingSet.read(
            [("m.yaml", ExclusionTests.mapping(lines))], builder: &builder, complaints: complaints)
        MappingSet(drafts, table: builder.build()).review(drafts)
        let told = complaints.errors.map(\.description)
        #expect(
            told
                == (isFault
                    ? [
                        "m.yaml:12:7: 'vulnerabilities.cwe.uid' is always written beside 'vulnerabilities.cve.uid', but "
                            + "vulnerability takes just one of 'advisory', 'cve' or 'cwe': leave one of the two out, or "
                            + "write it by 'cases'"
                    ] : []))
    }
}
