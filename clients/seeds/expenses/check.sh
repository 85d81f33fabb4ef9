curl "$ROWGATE_URL/fga/v1/check" \
-X POST \
-H "Authorization: Bearer sk_example_123456789" \
--data-raw \
'{
  "checks": [
    {
      "resource_type": "expense",
      "resource_id": "expense-1",
      "relation": "approve",
      "subject": {
        "resource_type": "user",
        "resource_id": "user_2oDscjroNWtzxzYEnEzT9P7VYEe"
      },
      "context": {
        "user_attributes": {
          "user_id": "user_2oDscjroNWtzxzYEnEzT9P7VYEe",
          "approved_cost_centers": [ "cost-center-1", "cost-center-2" ]
        },
        "expense_attributes": {
          "cost_center": "cost-center-1",
          "amount": 150,
          "description": "New keyboard",
          "date": "2023-10-01"
        }
      }
    }
  ]
}'
