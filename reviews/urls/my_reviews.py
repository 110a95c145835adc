"""Reviewers: their shares, the lines, and the acts on them."""

from django.urls import path

from reviews.views import items, my_reviews

urlpatterns = [
    path("reviews/", my_reviews.my_reviews, name="my_reviews"),
    path("reviews/<uuid:pk>/", my_reviews.assignment, name="assignment"),
    path("reviews/<uuid:pk>/alike/", my_reviews.decide_alike, name="decide_alike"),
    path("reviews/<uuid:pk>/sign-off/", my_reviews.sign_off, name="sign_off"),
    path("items/<int:pk>/", items.item, name="item"),
    path("items/<int:pk>/evidence/", items.item_evidence, name="item_evidence"),
    path("items/<int:pk>/decide/", items.item_decide, name="item_decide"),
    path("items/<int:pk>/undo/", items.item_undo, name="item_undo"),
    path("items/<int:pk>/pass-on/", items.item_pass_on, name="item_pass_on"),
]
