from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]

    operations = [
        migrations.AddField("apitoken", "may_task", models.BooleanField(db_default=False)),
        migrations.AddField("apitoken", "organisation", models.CharField(db_default="", max_length=60)),
        migrations.AddField("apitoken", "thing_id", models.BigIntegerField(db_index=True, null=True)),
        migrations.CreateModel(
            name="Grant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("contract_id", models.BigIntegerField(db_index=True)),
                ("organisation", models.CharField(db_index=True, max_length=60)),
                ("dataset", models.CharField(max_length=80)),
                ("valid_from", models.DateTimeField()),
                ("valid_until", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "registry_grant"},
        ),
    ]
