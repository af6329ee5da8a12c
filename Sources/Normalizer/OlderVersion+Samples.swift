// SPDX-License-Identifier: Apache-2.0
internal import Events

/// What samples, which are written for the newer version, mean in an older one.
extension OlderVersion {
    /// What stands at a path of the newer version in event number `row` of a batch.
    func text(_ path: String, in row: Int, _ batch: borrowing Batch) -> String? {
        batch.text(at: path, in: row) ?? batch.text(at: "unmapped." + path, in: row)
            ?? OlderVersion.renamed[path].flatMap { batch.text($0, in: row) }
    }

    /// Whether `found` in event number `row` of a batch is what a sample means that says `wanted` in the newer version.
    func agrees(
        _ path: String, _ wanted: String?, _ found: String?, in row: Int, _ batch: borrowing Batch
    ) -> Bool {
        guard let wanted, let found else { return false }
        let uid = Int(batch.rows[row].classUID)
        let isOther = batch.text("unmapped.penstock.class_uid", in: row) != nil
        switch path {
        case "class_uid":
            return Int(wanted).flatMap { native.classes[$0] }.map { String(eventClass($0).uid) } == found
        case "category_uid": return isOther
        case "metadata.version": return found == dictionary.version
        case "activity_id", "type_uid":
            // Of activities each class has its own; the sample of a class that is another one now names the old one's.
            guard !isOther, let number = Int(wanted),
                let new = native.classes[uid]?.shape.attributes["activity_id"]?.enumeration,
                let old = dictionary.classes[uid]?.shape.attributes["activity_id"]?.enumeration
            else { return isOther }
            let id = value(String(number % 100), new, old)?.id
            return id.map { path == "type_uid" ? String(uid * 100 + (Int($0) ?? 0)) : $0 } == found
        default:
            let plain = path.withoutPositions
            guard let new = native.attribute(at: plain)?.enumeration,
                let old = dictionary.attribute(at: plain)?.enumeration
            else { return false }
            return value(wanted, new, old)?.id == found
        }
    }
}
