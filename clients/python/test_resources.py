from workos.exceptions import BadRequestException, NotFoundException

from server import ServerTest


class Resources(ServerTest):
    def test_create_with_meta(self):
        meta = {"title": "Plan", "tags": ["a", "b"], "nested": {"deep": [1, None, True]}}
        created = self.fga.create_resource(resource_type="document", resource_id="plan", meta=meta)
        self.assertEqual((created.resource_type, created.resource_id, created.meta), ("document", "plan", meta))
        self.assertRegex(created.created_at, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        self.assertEqual(self.fga.get_resource(resource_type="document", resource_id="plan"), created)

    def test_create_without_meta_keeps_what_is_there(self):
        self.fga.create_resource(resource_type="document", resource_id="again", meta={"n": 1})
        repeated = self.fga.create_resource(resource_type="document", resource_id="again")
        self.assertEqual(repeated.meta, {"n": 1})
        plain = self.fga.create_resource(resource_type="document", resource_id="plain")
        self.assertIsNone(plain.meta)

    def test_ids_in_paths(self):
        for resource_id in ["balance-sheet:edit", "ann@example.org", "auth0|123", "v1.2_3", "src/main.rs"]:
            with self.subTest(resource_id):
                created = self.fga.create_resource(resource_type="user", resource_id=resource_id)
                self.assertEqual(self.fga.get_resource(resource_type="user", resource_id=resource_id), created)
                self.assertIsNone(self.fga.delete_resource(resource_type="user", resource_id=resource_id))
                with self.refused(NotFoundException, "not_found"):
                    self.fga.get_resource(resource_type="user", resource_id=resource_id)

    def test_update_replaces_meta(self):
        name = {"resource_type": "folder", "resource_id": "planning"}
        self.fga.create_resource(**name, meta={"a": 1, "b": 2})
        self.assertEqual(self.fga.update_resource(**name, meta={"b": 3}).meta, {"b": 3})
        self.assertEqual(self.fga.get_resource(**name).meta, {"b": 3})
        self.assertIsNone(self.fga.update_resource(**name).meta)
        self.assertIsNone(self.fga.get_resource(**name).meta)

    def test_missing(self):
        name = {"resource_type": "document", "resource_id": "nothing"}
        with self.refused(NotFoundException, "not_found"):
            self.fga.get_resource(**name)
        with self.refused(NotFoundException, "not_found"):
            self.fga.update_resource(**name, meta={})
        with self.refused(NotFoundException, "not_found"):
            self.fga.delete_resource(**name)

    def test_refused(self):
        with self.refused(BadRequestException, "invalid_parameter", "resource_id"):
            self.fga.create_resource(resource_type="document", resource_id="not an id")
        with self.refused(BadRequestException, "invalid_parameter", "meta"):
            self.fga.create_resource(resource_type="document", resource_id="a", meta={"text": "x" * 50_000})


class ResourceLists(ServerTest):
    COUNT = 25

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for n in range(cls.COUNT):
            cls.fga.create_resource(resource_type="row", resource_id=f"r{n:02}", meta={"n": n})
        cls.fga.create_resource(resource_type="column", resource_id="c")

    @staticmethod
    def ids(page):
        return [resource.resource_id for resource in page.data]

    def test_ten_newest_first(self):
        page = self.fga.list_resources(resource_type="row")
        self.assertEqual(page.object, "list")
        self.assertEqual(self.ids(page), [f"r{n:02}" for n in range(24, 14, -1)])
        self.assertEqual(page.data[0].meta, {"n": 24})
        self.assertTrue(page.data[0].created_at)
        self.assertTrue(page.list_metadata.after)

    def test_order_and_search(self):
        page = self.fga.list_resources(resource_type="row", order="asc", limit=3)
        self.assertEqual(self.ids(page), ["r00", "r01", "r02"])
        self.assertEqual(self.ids(self.fga.list_resources(search="r2", limit=100)), ["r24", "r23", "r22", "r21", "r20"])

    def test_forwards_and_back(self):
        options = {"resource_type": "row", "limit": 4, "order": "asc"}
        first = self.fga.list_resources(**options)
        second = self.fga.list_resources(**options, after=first.list_metadata.after)
        self.assertEqual(self.ids(second), ["r04", "r05", "r06", "r07"])
        back = self.fga.list_resources(**options, before=second.list_metadata.before)
        self.assertEqual(self.ids(back), self.ids(first))

    def test_iteration(self):
        found = [resource.resource_id for resource in self.fga.list_resources(resource_type="row", limit=7)]
        self.assertEqual(found, [f"r{n:02}" for n in range(24, -1, -1)])
        # Without a filter the list also has what is of other types.
        self.assertGreater(len(list(self.fga.list_resources())), self.COUNT)

    def test_bad_cursor(self):
        with self.refused(BadRequestException, "invalid_parameter", "after"):
            self.fga.list_resources(after="nonsense")


class ResourceTypes(ServerTest):
    def test_list(self):
        page = self.fga.list_resource_types()
        self.assertEqual(page.object, "list")
        types = {found.type: found for found in page.data}
        self.assertEqual(set(types), {"user", "group", "folder", "document"})
        self.assertEqual(types["user"].relations, {})
        self.assertEqual(types["group"].relations, {"member": {"allowed_types": ["user", "group#member"]}})
        document = types["document"].relations
        self.assertEqual(document["editor"]["inherit_if"], "owner")
        self.assertEqual(
            document["viewer"]["rules"],
            [{"inherit_if": "editor"}, {"inherit_if": "viewer", "of_type": "folder", "with_relation": "parent"}],
        )
        self.assertEqual(document["approve"]["rules"], [{"inherit_if": "editor"}, {"policy": "small_amount"}])

    def test_iteration(self):
        found = [resource_type.type for resource_type in self.fga.list_resource_types(limit=1)]
        self.assertEqual(sorted(found), ["document", "folder", "group", "user"])
        backwards = [resource_type.type for resource_type in self.fga.list_resource_types(limit=3, order="asc")]
        self.assertEqual(backwards, found[::-1])
