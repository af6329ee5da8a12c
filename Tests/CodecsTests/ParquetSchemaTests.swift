// SPDX-License-Identifier: Apache-2.0
import Codecs
import Testing

@Suite struct ParquetSchemaTests {
    @Test func levelsAreCountedFromTheTop() throws {
        let schema = try ParquetSchema([
            .leaf("time", .int64, optional: false),
            .group(
                "dns",
                [
                    .leaf("query", .string),
                    .list(
                        "answers",
                        of: .group(
                            "any",
                            [
                                .leaf("name", .string, optional: false),
                                .list("flags", of: .leaf("any", .int32)),
                            ])),
                ]),
            .list("required", optional: false, of: .leaf("any", .boolean, optional: false)),
        ])
        let found = schema.leaves.map { "\($0.dottedPath) \($0.maximumDefinition) \($0.maximumRepetition)" }
        #expect(
            found == [
                "time 0 0", "dns.query 2 0", "dns.answers.list.element.name 4 1",
                "dns.answers.list.element.flags.list.element 7 2", "required.list.element 1 1",
            ])
        #expect(schema.leaves[3].elementDefinitions == [3, 6])
        #expect(schema.column(["dns", "answers", "list", "element", "name"]) == 2)
        #expect(schema.column(["dns"]) == nil)
    }

    @Test func leafCountNumbersTheLeavesBelow() {
        let node = ParquetNode.group(
            "a", [.leaf("b", .string), .list("c", of: .group("d", [.leaf("e", .int32), .leaf("f", .int32)]))])
        #expect(node.leafCount == 3)
    }

    @Test func refusals() {
        func f(_ fields: [ParquetNode], _ want: ParquetError) {
            #expect(throws: want) { try ParquetSchema(fields) }
        }
        f([], .emptyGroup(path: ""))
        f([.group("a", [.group("b", [])])], .emptyGroup(path: "a.b"))
        f([.group("a", [.leaf("", .string)])], .emptyName(path: "a."))
        f([.group("a", [.leaf("b", .string), .list("b", of: .leaf("", .int32))])], .duplicateName(path: "a.b"))
        var deep = ParquetNode.leaf("x", .string)
        for _ in 0..<ParquetSchema.maximumDepth - 1 { deep = .list("x", of: deep) }
        #expect(throws: Never.self) { try ParquetSchema([deep]) }
        #expect(throws: ParquetError.self) { try ParquetSchema([.list("x", of: deep)]) }
        let many = (0...ParquetSchema.maximumLeaves).map { ParquetNode.leaf("c\($0)", .boolean) }
        f(many, .tooManyLeaves)
    }
}
